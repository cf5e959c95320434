"""SHA-256 of a file, and of one that grows: with the bytes that come, and behind them after a resume."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sdsetup.decide.events import CHECKING
from sdsetup.execute.context import Context

_READ = 1024 * 1024

Mark = tuple[int, str]


def sha256_of(path: Path, context: Context | None = None) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits; the context's progress moves with it.

    Raises:
        OSError: the file cannot be read.
    """
    sha, buffer, done = hashlib.sha256(), memoryview(bytearray(_READ)), 0
    with path.open("rb", buffering=0) as stream:
        total = path.stat().st_size
        while count := stream.readinto(buffer):
            sha.update(buffer[:count])
            done += count
            if context is not None and done % (64 * _READ) < count:
                context.progress(done, total, source=CHECKING)
    return sha.hexdigest()


class DamageError(Exception):
    """The part on the disk is not what was received. `good`: so many bytes of it are still proved."""

    def __init__(self, good: int) -> None:
        super().__init__(f"damaged after {good} bytes")
        self.good = good


class GrowingHash:
    """The hash of `path` from its first byte on, `start` of which lie there already.

    Bytes that come are hashed by whoever brings them. What an earlier run left is read back from the disk
    meanwhile, by a thread; until that has caught up, what comes is on the disk for it to find.
    `marks` are checkpoints to hold the old bytes against; `on_mark` is told new ones, `every` so many bytes.
    """

    def __init__(
        self, path: Path, start: int, *, marks: Sequence[Mark], on_mark: Callable[[int, str], None], every: int
    ) -> None:
        self._path = path
        self._sha = hashlib.sha256()
        self._position = 0  # hashed so far
        self._length = start  # on the disk
        self._marks = [mark for mark in marks if 0 < mark[0] <= start]
        self._good = 0
        self._every = every
        self._on_mark = on_mark
        self._lock = threading.Lock()
        self._failed: BaseException | None = None
        self._ended = threading.Event()
        if start:
            threading.Thread(target=self._run, name="sha256", daemon=True).start()
        else:
            self._ended.set()

    def add(self, data: bytes | memoryview) -> None:
        """The next bytes of the file, which are on the disk by now."""
        with self._lock:
            in_step = self._position == self._length
            self._length += len(data)
            if in_step:
                self._hash(data)

    def check(self) -> None:
        """Raise what the thread met: DamageError, OSError."""
        if self._failed is not None:
            raise self._failed

    def digest(self, beat: Callable[[], None]) -> str:
        """The hash of the whole file; waits for the thread."""
        while not self._ended.wait(0.1):
            beat()
        self.check()
        return self._sha.hexdigest()

    def stop(self) -> None:
        """Let the thread go: nobody waits for it any more."""
        self._failed = self._failed or DamageError(0)
        self._ended.wait()

    def _run(self) -> None:
        try:
            self._read_back()
        except (OSError, DamageError) as error:
            self._failed = error
        finally:
            self._ended.set()

    def _read_back(self) -> None:
        piece = memoryview(bytearray(_READ))
        with self._path.open("rb", buffering=0) as file:
            while True:
                self.check()
                with self._lock:
                    if self._position == self._length:
                        return  # in step: from here on the bytes are hashed as they come
                    until = self._marks[0][0] if self._marks else self._length
                count = file.readinto(piece[: until - self._position])
                if not count:
                    raise DamageError(self._good)  # shorter than it was a moment ago
                with self._lock:
                    self._hash(piece[:count])

    def _hash(self, data: bytes | memoryview) -> None:
        self._sha.update(data)
        self._position += len(data)
        if self._marks:
            if self._position == self._marks[0][0]:
                self._hold_against(self._marks.pop(0))
        elif self._position - self._good >= self._every:
            self._good = self._position
            self._on_mark(self._position, self._sha.hexdigest())

    def _hold_against(self, mark: Mark) -> None:
        if self._sha.hexdigest() != mark[1]:
            raise DamageError(self._good)
        self._good = mark[0]
