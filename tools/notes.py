"""The changelog's words for one version, for the release: `python tools/notes.py 0.1.0`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes(text: str, version: str) -> str:
    """The section of a version, without its heading.

    Raises:
        SystemExit: there is none, or it is still called unreleased.
    """
    match = re.search(rf"(?ms)^## {re.escape(version)}(?![\w.])(?P<rest>[^\n]*)\n(?P<words>.*?)(?=^## |\Z)", text)
    if match is None:
        raise SystemExit(f"CHANGELOG.md has no section for {version}")
    if "unreleased" in match["rest"]:
        raise SystemExit(f"CHANGELOG.md still calls {version} unreleased")
    return match["words"].strip() + "\n"


if __name__ == "__main__":
    print(notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]), end="")
