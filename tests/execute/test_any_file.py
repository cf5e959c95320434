"""Whatever lies in the model folder, the list of it ends: one bad file costs one line."""

from __future__ import annotations

import json
import os
import socket
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdsetup.catalog.models import MODEL_FOLDER
from sdsetup.execute.context import Context
from sdsetup.execute.model_file import look_at
from sdsetup.execute.models.folder import check_models
from sdsetup.execute.models.pickle_scan import scan_pickle
from sdsetup.machine.real import RealMachine

WINDOWS = os.name == "nt"


def header(text: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + body


def entry(**changed: object) -> bytes:
    one = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} | changed
    return header(json.dumps({"a": one}).encode(), b"1234")


DAMAGED = {
    "empty": b"",
    "longest-header": struct.pack("<Q", 2**63) + b"x" * 100,
    "nested": header(b'{"a":' * 100_000),
    "nested-list": header(b"[" * 100_000),
    "not-utf-8": header(b'{"a": "\xff\xfe"}'),
    "many-digits": header(b'{"a": ' + b"9" * 5000 + b"}"),
    "text-sides": entry(shape=[10**9, "x"]),
    "endless-sides": entry(shape=[10**9] * 65),
    "half-bytes": entry(data_offsets=[0, 4.5]),
    "no-bytes": entry(data_offsets=[]),
    "true-bytes": entry(data_offsets=[False, True], shape=[1]),
    "endless": entry(data_offsets=[0, float("inf")]),
    "backwards": entry(data_offsets=[4, 0]),
    "listed-kind": entry(dtype=[]),
    "pointer": b"version https://git-lfs.github.com/spec/v1\nsize " + b"9" * 400 + b"\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_bytes_are_called_damaged(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(DAMAGED[name])
    assert look_at(path).kind == "damaged"


@pytest.mark.skipif(WINDOWS, reason="pipes and sockets have no names there")
def test_one_bad_file_never_ends_the_list(tmp_path: Path) -> None:
    folder = tmp_path / "sd" / MODEL_FOLDER
    folder.mkdir(parents=True)
    (folder / "good.safetensors").write_bytes(entry())
    for name, content in DAMAGED.items():
        (folder / f"{name}.safetensors").write_bytes(content)
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "to-pipe.safetensors").symlink_to(folder / "pipe.safetensors")
    (folder / "to-zeros.safetensors").symlink_to("/dev/zero")
    (folder / "to-nothing.safetensors").symlink_to(folder / "nowhere")
    (folder / "to-itself.safetensors").symlink_to(folder / "to-itself.safetensors")
    (folder / "to-a-folder.safetensors").symlink_to(tmp_path, target_is_directory=True)
    (folder / "folder.safetensors").mkdir()
    (folder / "folder.safetensors" / "within.ckpt").write_bytes(b"\x80\x02\xff\xff\xff")
    (folder / "sub").mkdir()
    here = os.getcwd()
    os.chdir(folder)  # a socket's whole name is limited to some hundred letters
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket.ckpt")
    finally:
        os.chdir(here)
    with zipfile.ZipFile(folder / "locked.ckpt", "w") as archive:
        archive.writestr("data.pkl", b"\x80\x02.")
    locked = bytearray((folder / "locked.ckpt").read_bytes())
    locked[6] |= 1  # "encrypted", in the local header and in the directory
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    (folder / "locked.ckpt").write_bytes(locked)
    os.mkdir(os.fsencode(folder) + b"/\xff\xfe")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe/bad-name.safetensors")).write_bytes(b"x")
    machine = RealMachine()
    context = Context(dir=tmp_path / "sd", tools=tmp_path / "t", cache=tmp_path / "c", machine=machine)
    found = {verdict.path: verdict.state for verdict in check_models(context, {})}
    assert found.pop("good.safetensors") == "unknown"
    for pickle in ("folder.safetensors/within.ckpt", "locked.ckpt"):
        assert found.pop(pickle) in ("pickle", "dangerous", "damaged")
    assert {name for name, state in found.items() if state not in ("damaged", "dangerous")} == set()
    for name in ("pipe", "to-pipe", "to-zeros", "to-nothing", "to-itself", "to-a-folder"):
        assert found[f"{name}.safetensors"] == "damaged"
    assert found["socket.ckpt"] == "damaged"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600), st.sampled_from([".safetensors", ".ckpt", ".pt", ".bin", ""]))
def test_any_bytes_are_something(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{ending}"
    path.write_bytes(content)
    assert look_at(path).size == len(content)
    scan_pickle(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5),
        JSON | st.fixed_dictionaries({"dtype": JSON, "shape": JSON, "data_offsets": JSON}),
        max_size=3,
    )
)
def test_any_list_of_contents_is_something(tmp_path_factory: pytest.TempPathFactory, contents: object) -> None:
    path = tmp_path_factory.getbasetemp() / "any-header.safetensors"
    path.write_bytes(header(json.dumps(contents).encode(), b"1234"))
    assert look_at(path).kind in ("safetensors", "damaged")
