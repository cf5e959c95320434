"""What a file is, from its bytes, without loading it."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_samples import LFS_POINTER, WEB_PAGE, checkpoint, safetensors

from sdsetup.execute.model_file import look_at, looks_whole
from sdsetup.execute.models.pickle_scan import scan_pickle

GOOD = safetensors()


def header(table: object, body: bytes = b"") -> bytes:
    said = json.dumps(table).encode()
    return struct.pack("<Q", len(said)) + said + body


def entry(begin: int, end: int, shape: list[int] | None = None, dtype: str = "F16") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape or [(end - begin) // 2], "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("name", "data", "damage"),
    [
        ("a.safetensors", b"", "empty"),
        ("a.safetensors", GOOD[:-1], "cut-short"),
        ("a.safetensors", GOOD[: len(GOOD) // 2], "cut-short"),
        ("a.safetensors", GOOD[:60], "cut-short"),
        ("a.safetensors", GOOD + b"x", "trailing"),
        ("a.safetensors", WEB_PAGE, "web-page"),
        ("a.ckpt", WEB_PAGE, "web-page"),
        ("a.safetensors", LFS_POINTER, "lfs-pointer"),
        ("a.ckpt", LFS_POINTER, "lfs-pointer"),
        ("a.safetensors", b"\xff" * 500, "header"),
        ("a.safetensors", b"{}", "header"),
        ("a.safetensors", struct.pack("<Q", 20) + b"x" * 20, "header"),
        ("a.safetensors", header([1, 2]), "header"),
        ("a.safetensors", header({"a": 5}), "header"),
        ("a.safetensors", header({"a": entry(0, 4), "b": entry(2, 6)}, bytes(6)), "header"),
        ("a.safetensors", header({"a": entry(0, 4), "b": entry(6, 8)}, bytes(8)), "header"),
        ("a.safetensors", header({"a": entry(0, 4, [9])}, bytes(4)), "header"),
        ("a.safetensors", header({"a": entry(4, 0)}, bytes(4)), "header"),
        ("a.ckpt", checkpoint()[:-30], "cut-short"),
    ],
)
def test_damage_is_told_apart(tmp_path: Path, name: str, data: bytes, damage: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    look = look_at(path)
    assert (look.kind, look.damage) == ("damaged", damage)
    assert look.size == len(data)
    assert not looks_whole(path)


def test_a_cut_file_says_how_much_of_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(GOOD[:-100])
    assert f"{len(GOOD) - 100:,} of {len(GOOD):,} bytes" in str(look_at(path).said)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert look_at(tmp_path / "absent.safetensors").damage == "unreadable"
    assert look_at(tmp_path).damage == "unreadable"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.ckpt")
        assert look_at(tmp_path / "pipe.ckpt").damage == "unreadable"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.safetensors", GOOD, "safetensors"),
        ("a.SAFETENSORS", safetensors(metadata=False), "safetensors"),
        ("a.safetensors", header({}), "safetensors"),
        ("a.safetensors", header({"a": entry(0, 3, [3], "F8_E4M3")}, bytes(3)), "safetensors"),
        ("a.ckpt", checkpoint(), "pickle"),
        ("a.pt", pickle.dumps({"x": 1}, protocol=2), "pickle"),
        ("a.dat", pickle.dumps({"x": 1}), "pickle"),
        ("a.txt", b"hello", "other"),
    ],
)
def test_kinds(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert look_at(path).kind == kind


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for content in (data, struct.pack("<Q", len(data)) + data):
        path.write_bytes(content)
        assert look_at(path).size == len(content)


@given(st.integers(0, len(GOOD) - 1))
def test_every_cut_is_noticed(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.safetensors"
    path.write_bytes(GOOD[:at])
    assert look_at(path).kind == "damaged"


@pytest.mark.parametrize("name", ["a.ckpt", "a.pt", "a.bin"])
def test_a_pickle_that_runs_a_program_is_found_and_not_run(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(checkpoint(bad=True))
    scan = scan_pickle(path)
    assert scan.verdict == "dangerous"
    assert any(name.endswith("system") for name in scan.dangerous)
    assert "must never run" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        (pickle.dumps({"a": [1, 2]}, protocol=2), "clean"),
        (b"\x80\x02cpytorch_lightning.callbacks\nModelCheckpoint\n)R.", "unknown"),
        (b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.", "dangerous"),
        (b"\x80\x02cos\nsystem\n\xff\xff\xff", "dangerous"),
        (b"\x80\x02cnumpy\nndarray\n\xff\xff\xff", "dangerous"),
    ],
    ids=["clean", "unknown", "eval", "broken-after-a-call", "broken-after-a-harmless-call"],
)
def test_verdicts(tmp_path: Path, program: bytes, verdict: str) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(checkpoint(program=program))
    assert scan_pickle(path).verdict == verdict


def test_an_archive_without_a_pickle_is_no_clean_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.jpg", b"\xff\xd8\xff")
    assert scan_pickle(path).failed


def test_an_old_checkpoint_that_is_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "old.ckpt"
    path.write_bytes(pickle.dumps({"x": 1}, protocol=2))
    assert scan_pickle(path).verdict == "clean"
    path.write_bytes(b"cos\nsystem\n(S'echo no'\ntR.")
    assert scan_pickle(path).verdict == "dangerous"
