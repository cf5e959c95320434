"""Files that we own: read and written whole, and where they lie."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from sdsetup.text import Text
from sdsetup.values.shape import OwnFile, misfit

if TYPE_CHECKING:
    from filelock import FileLock

LONGEST_OWN = 16 * 2**20  # bytes; the largest, a journal of every step, has some 10 KB


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file whole: staged beside it, flushed to the disk, renamed. The folder must exist."""
    # As any new file of the user's, not with the privacy of a temporary one.
    staged = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns() % 10**9}.new")
    try:
        handle = open_new(staged)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o7777)
        replace(staged, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            staged.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # Told is the file that a user knows: not the staged one, and not none at all (write, fsync).
            error.filename, error.filename2 = str(path), None
        raise


def lock_on(path: Path, *, patience: float = -1) -> FileLock:
    """An operating system lock on this file, to hold in a `with` block; a killed process leaves none behind.

    `patience` in seconds, less than 0 waits for ever. Acquiring it raises TimeoutError when patience runs out.
    """
    from filelock import FileLock  # the one place: what only looks never waits for this library to load

    return FileLock(path, timeout=patience)


def remove_staged(path: Path) -> None:
    """Remove what runs that were killed while they wrote this file have left beside it. For whoever holds the
    folder's lock: another run's staged file would go as well.

    Raises:
        OSError: it cannot be removed.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.new"):
        left.unlink(missing_ok=True)


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


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a file of ours holds. None without `damage`: there is no such file."""

    value: Any | None = None
    damage: Text | None = None


def read_own(path: Path, kind: OwnFile) -> Read:
    """A file of ours as it was written, or why it is not one. The only reader of such files; it never raises."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_OWN + 1)
    except FileNotFoundError:
        return Read()
    except OSError as error:
        return Read(damage=Text("it can't be read ({why})", why=error.strerror or str(error)))
    return parse_own(content, kind)


def parse_own(content: bytes, kind: OwnFile) -> Read:
    """The same for bytes that have been read already."""
    if not content.strip(b"\0 \r\n"):
        return Read(damage=Text("it is empty"))
    if len(content) > LONGEST_OWN:
        return Read(damage=Text("it is too large"))
    try:
        value = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        return Read(damage=Text("it is not UTF-8 text"))
    except (ValueError, RecursionError):
        return Read(damage=Text("it is incomplete or not JSON"))
    schema = value.get("schema") if isinstance(value, dict) else None
    if kind.schema is not None and schema != kind.schema:
        newer = isinstance(schema, str) and schema.startswith(kind.schema.rpartition("/")[0] + "/")
        return Read(
            damage=Text("it was written by another version of sdsetup")
            if newer
            else Text("it contains something else")
        )
    if wrong := misfit(value, kind.shape):
        return Read(damage=Text("it contains invalid values ({wrong})", wrong=wrong[:200]))
    return Read(value=value)


def set_aside_damaged(path: Path) -> Path:
    """Rename a damaged file of ours, or the folder that it makes useless, to NAME.damaged, NAME.damaged-2...

    Returns:
        Where it is now.
    """
    aside = path.with_name(f"{path.name}.damaged")
    count = 1
    while os.path.lexists(aside):
        count += 1
        aside = path.with_name(f"{path.name}.damaged-{count}")
    replace(path, aside)
    return aside


def read_json(path: Path) -> Any | None:
    """A JSON file of somebody else's (the web UI's settings); None when it is absent or cannot be read as that."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    # Half of a letter (a file name that is no UTF-8) becomes \udcXX, which is how JSON itself writes it.
    write_atomically(path, text.encode("utf-8", "backslashreplace"))


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
