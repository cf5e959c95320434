"""One run at a time per installation folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.errors import SdsetupError
from sdsetup.execute.caches import claim
from sdsetup.storage import lock_on, open_new, read_own
from sdsetup.text import Text
from sdsetup.values.shape import OwnFile

if TYPE_CHECKING:
    from filelock import FileLock

_HOLDER = OwnFile(schema=None, shape={"pid": int})
_PATIENCE_PER_TRY = 2.0  # seconds between looks at whether to go on waiting


@contextmanager
def folder_lock(
    folder: Path, cache: Path, *, waiting: Callable[[Text], None], patience: float | None = None
) -> Iterator[None]:
    """Hold the lock of an installation folder; say who holds it while waiting.

    The lock is an operating system lock on a file in our cache (the folder itself may not exist
    yet): a killed process leaves none behind. `patience` in seconds, None waits for ever.

    Raises:
        SdsetupError: `busy` when patience ran out, `cache-not-writable`.
    """
    path = lock_path(folder, cache)
    try:
        claim(cache)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():  # opening a lock empties the file: through a link it would be another one
            path.unlink()
        lock = lock_on(path)
        if not _acquired(lock, path, waiting, patience):
            raise SdsetupError(
                Text("Another sdsetup is using this folder"),
                where=folder,
                why=_holder(path),
                hint=Text("Wait for it to finish or close it, then run the same command again."),
                code="busy",
            )
    except OSError as error:
        raise _no_cache(path, error) from error
    try:
        # It only tells another run who holds the lock.
        with contextlib.suppress(OSError), os.fdopen(open_new(_holder_file(path)), "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid()}, file)
        yield
    finally:
        lock.release()


def _acquired(lock: FileLock, path: Path, waiting: Callable[[Text], None], patience: float | None) -> bool:
    """Whether the lock could be had in time; `waiting` is told once who holds it."""
    waited = 0.0
    while True:
        try:
            lock.acquire(timeout=0 if waited == 0 else _PATIENCE_PER_TRY)
            return True
        except TimeoutError:
            if patience is not None and waited >= patience:
                return False
            if waited == 0:
                who = _holder(path)
                waiting(Text("Another sdsetup ({who}) is using this folder. Waiting for it to finish.", who=who))
            waited += _PATIENCE_PER_TRY


def lock_path(folder: Path, cache: Path) -> Path:
    """Two spellings of one folder (case on Windows, links, a trailing slash) give one lock."""
    name = os.path.normcase(os.path.realpath(folder))
    return cache / "locks" / f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}.lock"


def _holder_file(path: Path) -> Path:
    # Beside the lock: on Windows a locked file cannot be read.
    return path.with_suffix(".holder")


def _holder(path: Path) -> Text:
    said = read_own(_holder_file(path), _HOLDER).value
    return Text("unknown process") if said is None else Text("process {pid}", pid=said["pid"])


def _no_cache(path: Path, error: OSError) -> SdsetupError:
    return SdsetupError(
        Text("Can't write to the cache folder"),
        where=path.parent,
        why=str(error),
        hint=Text(
            "Free up disk space or give your account write access to it. To use another folder, set "
            "SDSETUP_CACHE_DIR."
        ),
        code="cache-not-writable",
    )
