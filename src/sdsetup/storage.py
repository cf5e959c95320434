"""Files that we own: read and written whole, and where they lie."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file whole: staged beside it, flushed to the disk, renamed. The folder must exist."""
    # As any new file of the person's, not with the privacy of a temporary one.
    staged = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns() % 10**9}.new")
    handle = open_new(staged)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o7777)
        replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def open_new(path: Path) -> int:
    """A handle to a new file of this name, for writing. What lies there, such as a link that somebody planted
    to have another file written over, is removed and never followed.

    Raises:
        OSError: as the system gives it; FileExistsError when something was planted at that very moment.
    """
    path.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)


def replace(source: Path, target: Path) -> None:
    """Rename over `target`, patient with a virus scanner that holds either file for a moment (Windows)."""
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            source.replace(target)
        except PermissionError:
            if sys.platform != "win32":
                raise
            time.sleep(pause)
        else:
            return
    source.replace(target)


def read_json(path: Path) -> Any | None:
    """A JSON file's content, or None when it is absent or damaged: our state is a memory, not a truth."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode())


def data_folder(env: Mapping[str, str]) -> Path:
    """Where brought tools live (Python, MinGit), in the platform's application folder."""
    if moved := env.get("SDSETUP_DATA_DIR"):
        return Path(moved)
    return Path(platformdirs.user_data_path("sdsetup", appauthor=False))


def cache_folder(env: Mapping[str, str]) -> Path:
    """What can be made again at any time: package cache, locks, the rehearsal."""
    if moved := env.get("SDSETUP_CACHE_DIR"):
        return Path(moved)
    return Path(platformdirs.user_cache_path("sdsetup", appauthor=False))
