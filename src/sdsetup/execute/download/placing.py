"""Giving a proved file its name: what stood there is kept, and the rename outlasts a power cut."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sdsetup.storage import replace


def make_way(target: Path) -> Path | None:
    """Move whatever has the target's name out of the way, keeping it. Returns its new path.

    A healthy model keeps its ending, so that the web UI still lists it; anything else becomes NAME.old.
    """
    if not os.path.lexists(target):
        return None
    from sdsetup.execute.model_files import looks_whole

    number = 1
    while True:
        tail = "kept" if number == 1 else f"kept-{number}"
        if looks_whole(target):
            aside = target.with_name(f"{target.stem}.{tail}{target.suffix}")
        else:
            aside = target.with_name(f"{target.name}.{'old' if number == 1 else f'old-{number}'}")
        if not os.path.lexists(aside):
            break
        number += 1
    replace(target, aside)
    return aside


def flush_folder(folder: Path) -> None:
    """Make a rename last through a power cut. Windows does that by itself and has no such call."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network drives cannot; the rename itself has happened
    finally:
        os.close(handle)
