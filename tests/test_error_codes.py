"""The table of error codes is what the source says, both ways, and each code has a test that meets it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "error-codes.md"
# Met by no test, each with the reason. The list may only become shorter.
NOT_MET = {
    "environment-broken": "an interpreter that made the environment and does not start in it",
    "lock-unreadable": "uv writes something else than its lock",
    "no-range": "three sources in one that take no request for a part",
    "stalled": "a reason in the log; tests/execute/download/test_lines.py sees what comes of it",
    "rehearsal-git": "a git that works for the plan and fails a second later",
}


def codes() -> set[str]:
    return set(re.findall(r"^\| `([a-z0-9-]+)` \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_table_is_what_the_source_says() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "error_codes.py")], capture_output=True, text=True, encoding="utf-8"
    )
    assert made.returncode == 0, made.stderr
    said = TABLE.read_text(encoding="utf-8")
    assert made.stdout == said, "run: python tools/error_codes.py --write"
    assert len(codes()) > 100
    assert not [line for line in said.splitlines() if "|  |" in line], "each says what happened"


def test_every_code_is_met_by_a_test() -> None:
    here = Path(__file__)
    said = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if path != here)
    words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", said))
    missing = codes() - words - set(NOT_MET)
    assert not missing, "no test asks for these codes"
    assert not set(NOT_MET) & words, "these are met: take them out of the list"
    assert set(NOT_MET) <= codes()
