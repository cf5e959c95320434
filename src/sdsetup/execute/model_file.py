"""Opens a model file and lets it be judged."""

from __future__ import annotations

import stat
from pathlib import Path

from sdsetup.decide.model_file import MODEL_ENDINGS, PICKLE_ENDINGS, Kind, Look, damaged, judge
from sdsetup.text import Text

__all__ = ["MODEL_ENDINGS", "PICKLE_ENDINGS", "Kind", "Look", "look_at", "looks_whole"]


def look_at(path: Path) -> Look:
    """What a file is, from its first and last bytes. Nothing in it is executed."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would keep us waiting for its writer
            return damaged(0, "unreadable", Text("it is a folder, pipe, or device, not a file"))
        with path.open("rb") as file:
            return judge(file, found.st_size, path.name)
    except OSError as error:
        return damaged(0, "unreadable", Text("the file can't be read ({why})", why=error.strerror or str(error)))


def looks_whole(path: Path) -> bool:
    """Whether a file shows no sign of damage (its content may still be another than wanted)."""
    return look_at(path).kind != "damaged"
