"""Everything that is pinned or dated: what it is, how old that is, where it is known from and how it is renewed.

    python tools/pins.py             # all of it, the oldest first
    python tools/pins.py --older 90  # what was last looked at more than so many days ago
    python tools/pins.py --json

Read from profiles/, the starters and the Windows program's data. The age is that of the line in Git: when somebody
last decided it. A sentence with a year or a month in it is listed too, for time makes it false.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DAY = 86400

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"

# What a line pins, and what a person does to renew it. The first that matches counts.
KINDS = (
    (
        "commit",
        r"""^(?:commit|revision) = "(?P<what>[0-9a-f]{40})\"""",
        "git ls-remote ADDRESS; then run the rehearsal",
    ),
    (
        "sha256",
        r"""sha256\w*\s?=\s?"?(?P<what>[0-9a-f]{64})""",
        "the release's own checksum, and a second project's pin",
    ),
    (
        "version",
        r"""^(?:torch|torchvision|xformers|tag|python) = "(?P<what>[^"]+)\"""",
        "the project's releases; then .ci/run",
    ),
    (
        "version",
        r"""(?:uv_version|python_version)=(?P<what>[0-9.]+)""",
        "the project's releases, with all hashes beside it",
    ),
    ("package", r"""^\s*"(?P<what>[a-z0-9-]+<?=[=0-9.]+)\"""", "uv pip compile; then an installation"),
    (
        "date",
        rf"""(?P<what>(?:{_MONTHS}) 20\d\d|\b(?:in|since|until) 20\d\d|\btoday(?:'s)?\b)""",
        "is the sentence still true? say it anew",
    ),
)
FILES = ("profiles/**/*.toml", "sdsetup.sh", "sdsetup.bat", "bootstrap/*.toml", "tools/*.toml")


@dataclass(frozen=True)
class Pin:
    file: str
    line: int
    kind: str
    what: str
    days: int | None  # since the line was changed; None where Git does not know
    entry: str  # the table that it stands in
    source: str | None
    renew: str


def pins(root: Path = ROOT) -> Iterator[Pin]:
    """All pins and dated sentences, in the order of the files."""
    for path in sorted({found for pattern in FILES for found in root.glob(pattern)}):
        name = path.relative_to(root).as_posix()
        lines = path.read_text(encoding="utf-8").splitlines()
        changed = _changed(root, name)
        for number, text in enumerate(lines, 1):
            if text.lstrip().startswith("source ="):
                continue  # an address with a date in it is none of ours
            for kind, pattern, renew in KINDS:
                match = re.search(pattern, text)
                if match is None:
                    continue
                when = changed.get(number)
                days = None if when is None else max(0, int((time.time() - when) // DAY))
                entry, source = _around(lines, number - 1)
                yield Pin(name, number, kind, match["what"], days, entry, source, renew)
                break


def _around(lines: list[str], at: int) -> tuple[str, str | None]:
    """The heading above a line, and the source that its table names."""
    start = next((n for n in range(at, -1, -1) if lines[n].startswith("[")), 0)
    end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("[")), len(lines))
    table = lines[start:end]
    heading = table[0].strip("[]") if table and table[0].startswith("[") else ""
    named = next((text.partition("=")[2].strip().strip('"') for text in table if text.startswith("name =")), "")
    source = next(
        (text.partition("=")[2].strip().strip('"') for text in table if text.startswith("source =")), None
    )
    return f"{heading} {named}".strip(), source


def _changed(root: Path, name: str) -> dict[int, int]:
    """Line number -> when it was last changed, in seconds since 1970; empty outside a Git checkout."""
    ended = subprocess.run(
        ["git", "-C", str(root), "blame", "--line-porcelain", "--", name],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[int, int] = {}
    number = 0
    for text in ended.stdout.splitlines():
        if match := re.match(r"[0-9a-f]{40} \d+ (\d+)", text):
            number = int(match[1])
        elif text.startswith("author-time "):
            found[number] = int(text.split()[1])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Everything that is pinned or dated.")
    parser.add_argument("--older", type=int, default=0, metavar="DAYS", help="only what is at least so old")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    found = [pin for pin in pins() if pin.days is None or pin.days >= options.older]
    found.sort(key=lambda pin: -1 if pin.days is None else pin.days, reverse=True)
    if options.json:
        print(json.dumps([asdict(pin) for pin in found], indent=2, ensure_ascii=False))
        return 0
    for pin in found:
        age = "?" if pin.days is None else str(pin.days)
        print(f"{age:>5} d  {pin.kind:8} {pin.what:.44}  {pin.entry}  ({pin.file}:{pin.line})")
        print(f"         renew: {pin.renew}; source: {pin.source or 'the lines above it'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
