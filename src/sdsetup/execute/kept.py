"""What was set aside and is nobody's but the user's: it stays until they remove it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sdsetup.catalog.models import MODEL_FOLDER
from sdsetup.launchfile import FILE_NAMES
from sdsetup.values.layout import state_folder

_BACKUP = re.compile(rf"(?:{'|'.join(map(re.escape, FILE_NAMES.values()))})\.\d{{4}}-\d\d-\d\d(?:-\d+)?\.bak")
# A file that had the name of a model to be put there, and a download whose bytes were not the model's.
_MODEL = re.compile(r".+\.(?:kept(?:-\d+)?\.[A-Za-z0-9]+|old(?:-\d+)?|bad)")
# A file of the web UI or of ours that was no longer readable (`storage.set_aside_damaged`).
_DAMAGED = re.compile(r".+\.damaged(?:-\d+)?")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file or folder that was moved out of the way. `bytes`: what its removal frees; an environment shares most
    of its files with the cache and with other environments."""

    path: Path
    bytes: int


def kept_things(folder: Path) -> tuple[Kept, ...]:
    """Everything that was set aside in an installation, the largest first.

    Folders of `.sdsetup/former` (environments, repositories), damaged files, backups of launch files, files of the
    model folder that had to give way.
    """
    found = (Kept(path=path, bytes=freed_by(files_of(path))) for path in _places(folder))
    return tuple(sorted(found, key=lambda kept: (-kept.bytes, str(kept.path))))


def _places(folder: Path) -> Iterator[Path]:
    yield from _entries(state_folder(folder) / "former")
    yield from (path for path in _entries(state_folder(folder)) if _DAMAGED.fullmatch(path.name))
    yield from (path for path in _entries(folder) if _BACKUP.fullmatch(path.name) or _DAMAGED.fullmatch(path.name))
    yield from (path for path in _entries(folder / MODEL_FOLDER) if _MODEL.fullmatch(path.name))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def freed_by(files: Iterable[str]) -> int:
    """Bytes that are free when all of these are gone: a file with a further link elsewhere frees nothing."""
    seen: dict[tuple[int, int], list[int]] = {}
    for name in files:
        with contextlib.suppress(OSError):
            told = os.lstat(name)
            one = seen.setdefault((told.st_dev, told.st_ino), [0, told.st_nlink, told.st_size])
            one[0] += 1
    return sum(size for count, links, size in seen.values() if count >= links)


def files_of(path: Path) -> Iterator[str]:
    """A file, or all files below a folder, without following links."""
    if path.is_symlink():
        return
    if not path.is_dir():
        yield str(path)
        return
    for root, _folders, names in os.walk(path):
        yield from (os.path.join(root, name) for name in names)  # noqa: PTH118 - thousands of files


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links and what cannot be asked count as nothing."""
    return sum(_size(name) for name in files_of(path))


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
