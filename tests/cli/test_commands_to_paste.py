"""Every command on a screen can be pasted: it names the folder, whatever that is called, and runs nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from installations import HERE, installation

pytestmark = pytest.mark.skipif(os.name == "nt", reason="cmd has tests of its own in tests/windows")

NAMES = [
    "$(touch witness)",
    "a & touch witness &",
    "it's",
    "50% off",
    "a  b",
    "`touch witness`",
    "x; touch witness; y",
    'q" ; touch witness ; "',
    "new\ntouch witness\nline",
    "wow!!",
    "back\\",
    "\x1b[31mred\u202e",
]
THERE = (["tune"], ["launch", "--no-browser"], ["verify"])
NOT_THERE = (["launch"], ["verify"])


def shown(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), "COLUMNS": "60", "SDSETUP_COMMAND": ""}
    argv = [sys.executable, "-m", "sdsetup", *arguments, "--dir", os.fspath(folder)]
    ended = subprocess.run(argv, capture_output=True, env=env, timeout=100, stdin=subprocess.DEVNULL)
    assert ended.returncode in (0, 1, 2), ended.stderr
    return (ended.stdout + ended.stderr).decode()


def pasted(screen: str, place: Path) -> list[list[str]]:
    """What a stand-in named `sdsetup` receives when each command of a screen is pasted."""
    (place / "bin").mkdir()
    stub = place / "bin" / "sdsetup"
    stub.write_text(f"#!{sys.executable}\nimport json,sys\nprint('GOT', json.dumps(sys.argv[1:]))\n")
    stub.chmod(0o755)
    got = []
    for line in screen.splitlines():
        for found in re.finditer(r"(?<![\w./`-])sdsetup [a-z].*--dir .*", line):
            ended = subprocess.run(
                ["sh"],
                input=found[0].encode() + b"\n",
                cwd=place,
                capture_output=True,
                env={"PATH": f"{place}/bin:/usr/bin:/bin"},
            )
            got += [json.loads(said[4:]) for said in ended.stdout.decode().splitlines() if said.startswith("GOT ")]
    return got


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_pasting_what_is_shown(name: str, tmp_path: Path) -> None:
    root = installation(tmp_path / "web" / name, start="silent-exit")
    (root / "models" / "Stable-diffusion").mkdir(parents=True)
    screen = "".join(shown(root, *arguments) for arguments in THERE)
    missing = tmp_path / "none" / name
    screen += "".join(shown(missing, *arguments) for arguments in NOT_THERE)
    place = tmp_path / "pasted"
    place.mkdir()
    got = pasted(screen, place)
    assert sorted(os.listdir(place)) == ["bin"]
    folders = {words[words.index("--dir") + 1] for words in got}
    named = {str(root), str(missing)}
    assert len(got) >= 4
    assert folders & named == named, folders
    assert all(folder in named or folder.startswith(("~", str(Path.home()))) for folder in folders)
