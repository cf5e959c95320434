"""Folders as no shell should give them: an error with its way on, whatever the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdsetup.cli.app import run

WINDOWS = os.name == "nt"
COMMANDS = (
    ("tune",),
    ("tune", "--apply", "--anyway", "--yes", "--vram", "8"),
    ("install", "--dry-run"),
    ("undo", "--yes"),
    ("model", "check"),
    ("model", "import", "no-such-file.safetensors"),
)
FOLDERS = {
    "long": "x" * 300,
    "deep": "a/" * 3000,
    "nobody": "~no_such_user/x",
    "null": "a\0b",
    "below-a-file": f"{Path(__file__)}/x",
    "empty": "",
    **(
        {}
        if WINDOWS
        else {"surrogates": os.fsdecode(b"bad\xff\xfename"), "device": "/dev/full", "control": "a\x1b[31m"}
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_folder_ends_as_an_internal_error(
    command: tuple[str, ...],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code = run([*command, "--dir", FOLDERS[name]])
    assert code in (0, 1, 2), capsys.readouterr().err


@pytest.mark.skipif(WINDOWS, reason="a folder that a process is in cannot be removed there")
def test_a_current_folder_that_is_gone(tmp_path: Path) -> None:
    for words in (["doctor", "--dir", "x"], ["tune"], ["model", "check", "--dir", str(tmp_path)]):
        gone = tmp_path / "gone"
        gone.mkdir()
        script = f'cd "{gone}" && rmdir "{gone}" && exec "$0" -m sdsetup "$@"'
        done = subprocess.run(
            ["/bin/sh", "-c", script, sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode in (0, 1, 2), done.stderr
        assert "Traceback" not in done.stderr
        if "x" in words:
            assert "current-folder-gone" in done.stderr
