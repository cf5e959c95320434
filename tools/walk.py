#!/usr/bin/env python3
"""Walk one command through the code: python tools/walk.py tune --vram 8 --apply --dir FOLDER

Runs the command in this process and prints which files of `src/sdsetup` it passed (a file counts when a
function of it ran, not when it was only imported), how often each profile was parsed, each subject of the
machine was asked, and a tuning was made. `--quiet-walk` leaves out the list of files.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1] / "src" / "sdsetup"
sys.path.insert(0, str(ROOT.parent))

passed: Counter[str] = Counter()
asked: Counter[str] = Counter()
parsed: Counter[str] = Counter()
tuned = 0


def _file(code: Any, known: dict[str, str | None] = {}) -> str | None:  # noqa: B006 - a cache
    name = code.co_filename
    if name not in known:
        inside = name.startswith(str(ROOT)) and code.co_name != "<module>"
        known[name] = str(Path(name).relative_to(ROOT)) if name.startswith(str(ROOT)) else None
        if not inside and known[name] is not None:
            return None if code.co_name == "<module>" else known[name]
    return None if code.co_name == "<module>" else known[name]


def _watch(frame: FrameType, event: str, _argument: Any) -> None:
    global tuned
    if event != "call":
        return
    code = frame.f_code
    file = _file(code)
    if file is None or _while_importing(frame):
        return
    passed[file] += 1
    name = code.co_name
    if file == "catalog/files.py" and name == "_read_toml":
        path = frame.f_locals["path"]
        if path.is_file():
            parsed[f"{path.parent.name}/{path.stem}"] += 1
    elif file == "decide/tuning/engine.py" and name == "tune":
        tuned += 1
    elif file == "probe/gathering.py" and name == "gather":
        subjects = frame.f_locals.get("subjects")
        asked.update(["everything"] if subjects is None else list(subjects))


def _while_importing(frame: FrameType | None) -> bool:
    """Decorators and class bodies run while a module is imported: they are no part of the journey."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(str(ROOT)):
            return True
        frame = frame.f_back
    return False


def main() -> int:
    from sdsetup.cli.app import run

    arguments = [word for word in sys.argv[1:] if word != "--quiet-walk"]
    threading.setprofile(_watch)
    sys.setprofile(_watch)
    try:
        code = run(arguments)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    if "--quiet-walk" not in sys.argv:
        for file in sorted(passed):
            print(f"  {file}", file=sys.stderr)
    rooms = Counter(file.split("/")[0] for file in passed)
    print(
        f"files passed: {len(passed)}  ({', '.join(f'{room} {n}' for room, n in rooms.most_common())})",
        file=sys.stderr,
    )
    print(f"profiles parsed: {dict(parsed)}", file=sys.stderr)
    print(f"subjects asked: {dict(asked)}", file=sys.stderr)
    print(f"tunings made: {tuned}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
