"""SHA-256 in a thread of its own that follows the growing file.

While it keeps up it gets the very buffers the transfer filled, through a short queue. While it is
behind (the start that an earlier run left is read back from the disk, side by side with the transfer)
the buffers are not queued: those bytes are on the disk already and will be read from there.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.values.events import CHECKING

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


class Hasher:
    """Hashes `path` from its first byte on. `start`: bytes that lie there already.

    `marks` are checkpoints to hold the old bytes against; `on_mark` is told new ones.
    `close` it whatever happens.
    """

    def __init__(
        self, path: Path, start: int, *, marks: Sequence[Mark], on_mark: Callable[[int, str], None],
        options: DownloadOptions,
    ) -> None:  # fmt: skip
        self._path = path
        self._sha = hashlib.sha256()
        self._position = 0  # hashed so far
        self._known = start  # on the disk and still to be read from there
        self._behind = start > 0
        self._marks = [mark for mark in marks if 0 < mark[0] <= start]
        self._good = 0
        self._every = options.mark_bytes
        self._on_mark = on_mark
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[bytearray, int] | None] = queue.Queue()
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._unmade = options.buffers
        self._buffer_bytes = options.buffer_bytes
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sha256", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a read-back that nobody waits for any more ends at once."""
        self._failed = self._failed or DamageError(0)
        self._queue.put(None)
        self._thread.join()

    @property
    def position(self) -> int:
        return self._position

    def buffer(self) -> bytearray:
        """An empty buffer to receive into; waits for the hash when all are full."""
        self.check()
        if self._free.empty() and self._unmade:
            self._unmade -= 1  # made when needed: a small file takes little memory
            return bytearray(self._buffer_bytes)
        while True:
            try:
                return self._free.get(timeout=1)
            except queue.Empty:
                self.check()

    def take(self, buffer: bytearray, length: int) -> None:
        """Hand over a buffer whose first `length` bytes are on the disk."""
        with self._lock:
            if self._behind:
                self._known += length
                self._free.put(buffer)
            else:
                self._queue.put((buffer, length))

    def check(self) -> None:
        """Raise what went wrong in the thread: DamageError, OSError."""
        if self._failed is not None:
            raise self._failed

    def digest(self, length: int, beat: Callable[[], None]) -> str:
        """The hash of all `length` bytes handed over; waits until the thread is there."""
        while self._position < length:
            self.check()
            self._thread.join(timeout=0.002 if length - self._position < 8 * self._buffer_bytes else 0.2)
            beat()
        self.check()
        return self._sha.hexdigest()

    def _run(self) -> None:
        try:
            if self._behind:
                self._read_back()
            while (item := self._queue.get()) is not None:
                buffer, length = item
                self._sha.update(memoryview(buffer)[:length])
                self._position += length
                self._free.put(buffer)
                self._mark_if_due()
        except (OSError, DamageError) as error:
            self._failed = error

    def _read_back(self) -> None:
        piece = bytearray(_READ)
        with self._path.open("rb", buffering=0) as file:
            while True:
                with self._lock:
                    if self._position >= self._known:
                        self._behind = False
                        return
                    until = self._known
                if self._failed is not None:
                    raise self._failed
                until = min(until, self._marks[0][0]) if self._marks else until
                count = file.readinto(memoryview(piece)[: until - self._position])
                if not count:
                    raise DamageError(self._good)  # shorter than it was a moment ago
                self._sha.update(memoryview(piece)[:count])
                self._position += count
                self._hold_against_mark()

    def _mark_if_due(self) -> None:
        if self._position - self._good >= self._every:
            self._good = self._position
            self._on_mark(self._position, self._sha.hexdigest())

    def _hold_against_mark(self) -> None:
        if not self._marks:
            self._mark_if_due()
            return
        if self._position != self._marks[0][0]:
            return
        length, digest = self._marks.pop(0)
        if self._sha.hexdigest() != digest:
            raise DamageError(self._good)
        self._good = length
