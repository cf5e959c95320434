"""Files of ours that are damaged: a command that changes something names them, keeps them aside, makes them anew.

A command that only looks changes nothing, whatever they hold.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from sdsetup.cli.app import run
from sdsetup.rehearsal.stand_ins import make_repository, webui_files

DAMAGE: Mapping[str, bytes] = {
    "empty": b"",
    "cut": b'{"schema": "sdsetup.jo',
    "types": b'{"schema": "sdsetup.%s/1", "steps": 3, "card": 3, "lessons": 3, "kept": 3, "at": 3}',
    "nested": b'{"a":' * 100_000,
    "encoding": b'{"schema": "\xff"}',
    "future": b'{"schema": "sdsetup.%s/99"}',
}
FILES = {
    "journal.json": "journal",
    "machine.json": "machine",
    "learned.json": "learned",
    "measured.json": "measurements",
    "undo/point.json": "undo",
}


def tune(folder: Path, size: str) -> int:
    return run(["tune", "--dir", str(folder), "--vram", size, "--os", "linux", "--apply", "--anyway", "--yes"])


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    make_repository(tmp_path / "webui.git", webui_files(), tag="v1", git="git")
    folder = tmp_path / "ui"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "webui.git"), str(folder)], check=True)
    assert tune(folder, "4") == tune(folder, "24") == 0
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_named_kept_aside_and_made_anew(
    damage: str, tuned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tuned / ".sdsetup"
    for name, schema in FILES.items():
        content = DAMAGE[damage]
        (state / name).write_bytes(content.replace(b"%s", schema.encode()))
    before = contents(tuned)
    capsys.readouterr()
    for looking in (["tune"], ["doctor"], ["model", "check"], ["install", "--dry-run"], ["why", "--medvram"]):
        assert run([*looking, "--dir", str(tuned)]) in (0, 1)
        assert "sdsetup itself" not in capsys.readouterr().err
    assert contents(tuned) == before
    assert tune(tuned, "4") == 0
    said = " ".join(capsys.readouterr().out.split())
    for name in FILES:
        aside = state / ("undo.damaged" if "/" in name else f"{name}.damaged")
        assert aside.exists()
        assert f"{name} (" in said
        assert f"It is kept as {aside.name}" in said
        kept = aside / "point.json" if aside.is_dir() else aside
        assert kept.read_bytes() == before[state / name]
    for name in ("journal.json", "machine.json"):
        assert json.loads((state / name).read_text())["schema"].endswith("/1")
    assert "--medvram" in (tuned / "webui-user.sh").read_text()


def test_damage_again_does_not_replace_what_was_kept(tuned: Path) -> None:
    journal = tuned / ".sdsetup" / "journal.json"
    for number, size in ((1, "4"), (2, "24")):
        journal.write_text(f"damage {number}")
        assert tune(tuned, size) == 0
    kept = {path.name: path.read_text() for path in journal.parent.glob("journal.json.damaged*")}
    assert kept == {"journal.json.damaged": "damage 1", "journal.json.damaged-2": "damage 2"}


def test_undo_with_a_damaged_memory_says_that_there_is_none(
    tuned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tuned / ".sdsetup" / "undo" / "point.json").write_bytes(b"[" * 100_000)
    assert run(["undo", "--dir", str(tuned), "--yes"]) == 1
    shown = capsys.readouterr()
    assert "undo.damaged" in shown.out
    assert "nothing-to-undo" in shown.err
