"""Which programs may be found and run: those of PATH, and none of a folder that is only looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def find(name: str, env: Mapping[str, str], *, outside: Sequence[Path] = ()) -> str | None:
    """The first program of that name on PATH that does not lie in one of the folders `outside`.

    Not `shutil.which`: before Python 3.12 it looks into the current folder first on Windows, so that a planted
    git.exe would win or hide the real one.
    """
    for entry in env.get("PATH", "").split(os.pathsep):
        folder = Path(entry.strip('"'))
        # A relative entry means another program in every folder.
        if not folder.is_absolute() or _is_current(folder):
            continue
        for ending in _endings(name, env):
            found = folder / f"{name}{ending}"
            if _is_program(found) and not any(lies_in(found, one) for one in outside):
                return str(found)
    return None


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies below it, as written or behind links."""
    for place in (os.path.realpath(folder), os.path.normpath(folder)):
        for wanted in (os.path.realpath(path), os.path.normpath(path)):
            root, below = os.path.normcase(place), os.path.normcase(wanted)
            if below == root or below.startswith(root.rstrip(os.sep) + os.sep):
                return True
    return False


def _endings(name: str, env: Mapping[str, str]) -> Sequence[str]:
    if sys.platform != "win32":
        return ("",)
    endings = tuple(ending.lower() for ending in env.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";") if ending)
    return ("",) if name.lower().endswith(endings) else endings


def _is_program(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False


def _is_current(folder: Path) -> bool:
    try:
        return folder.samefile(Path.cwd())
    except (OSError, ValueError):  # one of them is not there
        return False
