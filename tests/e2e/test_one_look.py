"""Each profile is parsed once a run, the machine is asked once, and one tuning is made: counted on the way."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdsetup.rehearsal.stand_ins import make_repository, webui_files

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def walked(home: Path, *words: str) -> dict[str, Any]:
    """What tools/walk.py counted while this command ran."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "walk.py"), *words, "--quiet-walk"],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        timeout=110,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = dict(re.findall(r"^(profiles parsed|subjects asked|tunings made): (.*)$", ended.stderr, re.MULTILINE))
    return {name: ast.literal_eval(value) for name, value in found.items()}


def test_tune_apply(tmp_path: Path) -> None:
    make_repository(tmp_path / "webui.git", webui_files(), tag="v1", git="git")
    folder = tmp_path / "sd"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "webui.git"), str(folder)], check=True)
    told = walked(tmp_path, "tune", "--vram", "8", "--apply", "--anyway", "--yes", "--dir", str(folder))
    assert (folder / "webui-user.sh").is_file() or (folder / "webui-user.bat").is_file()
    assert told["tunings made"] == 1
    read = {"profiles/gpus", "profiles/torch", "profiles/flags", "profiles/fit", "tuning/current"}
    assert told["profiles parsed"] == dict.fromkeys(read, 1)
    # What lies there is looked at once more afterwards: the record is of what was found, not of what was planned.
    assert told["subjects asked"].pop("installation") == 2
    assert set(told["subjects asked"].values()) == {1}, told


def test_install_decides_once(tmp_path: Path) -> None:
    told = walked(tmp_path, "install", "--dry-run", "--dir", str(tmp_path / "sd"))
    assert told["tunings made"] == 1
    assert set(told["profiles parsed"].values()) == {1}, told
    assert told["subjects asked"] == {"everything": 1}


def test_a_practice_run_decides_once_too(tmp_path: Path) -> None:
    """What its stand-ins change in four profiles is laid over what was parsed of them."""
    told = walked(tmp_path, "install", "--rehearse", "--dry-run")
    assert told["tunings made"] == 1
    assert set(told["profiles parsed"].values()) == {1}, told
    # Its stand-in torch has to name the card before there are profiles that offer that torch.
    assert told["subjects asked"] == {"system": 1, "gpus": 1, "memory": 1, "everything": 1}
