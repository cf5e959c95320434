"""Where received bytes go: onto the disk at once, and past the hash. One buffer of the ring is always in hand."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path

from sdsetup.execute.download.hashing import Hasher, Mark
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.execute.download.part import Part

_DAMAGES = 3  # a disk that loses bytes again and again is not ours to mend


class Store:
    """The part file and the hash that follows it.

    `joined`: the bytes did not all come in one stream. Every method may raise OSError (the disk) and
    DamageError (bytes of the part changed after they were written).
    """

    def __init__(self, target: Path, *, size: int, sha256: str, options: DownloadOptions) -> None:
        self.part = Part(target, size=size, sha256=sha256)
        self.size = size
        self.sha256 = sha256
        self.joined = False
        self._options = options
        self._marks: list[Mark] = []
        self._damages = 0
        self._hasher: Hasher | None = None
        self._buffer = bytearray()
        self._filled = 0

    @property
    def length(self) -> int:
        """Bytes on the disk."""
        return self.part.length

    def start(self, keep: int, marks: Sequence[Mark] = ()) -> None:
        """Open the part after `keep` good bytes, and a hash that follows it from its first byte."""
        self.stop()
        self.joined = keep > 0
        self._marks = [mark for mark in marks if mark[0] <= keep]
        self.part.open(keep)
        self._hasher = Hasher(
            self.part.path, keep, marks=self._marks, on_mark=self._on_mark, options=self._options
        )

    def restart(self, good: int) -> None:
        """Go on after `good` proved bytes of a part that was damaged on the disk."""
        self._damages += 1
        if self._damages > _DAMAGES:
            raise OSError(errno.EIO, "bytes on the drive change after they were written")
        self.start(good, self._marks)

    def begin(self, source: str, etag: str | None) -> None:
        """A body begins: the sidecar says from where, before its first byte is written."""
        self.part.begin(source, etag, self._marks)
        self.joined = self.joined or self.length > 0

    def room(self, most: int) -> memoryview:
        """Where the next bytes may be received: at most `most`, at least one."""
        if self._filled == len(self._buffer):
            self.flush()
            self._buffer = self._hash.buffer()
        return memoryview(self._buffer)[self._filled : self._filled + most]

    def took(self, view: memoryview) -> None:
        """These bytes, the start of what `room` gave, have come: write them."""
        self.part.append(view)
        self._filled += len(view)

    def flush(self) -> None:
        """Hand what is in the buffer to the hash."""
        if self._hasher is not None and self._filled:
            self._hasher.take(self._buffer, self._filled)
            self._buffer, self._filled = bytearray(), 0

    def digest(self, beat: Callable[[], None]) -> str:
        """The hash of the whole part; waits for it."""
        self.flush()
        return self._hash.digest(self.length, beat)

    def publish(self) -> Path | None:
        """Give the part its name. Returns where another file of that name went."""
        self._end_hash()
        return self.part.publish(durable=self._options.durable)

    def set_aside(self) -> Path:
        """Keep bytes that are not the file under another name, and start anew."""
        self.stop()
        bad = self.part.set_aside()
        self.start(0)
        return bad

    def stop(self) -> None:
        self._end_hash()
        self.part.close()

    @property
    def _hash(self) -> Hasher:
        assert self._hasher is not None, "the store was not started"
        return self._hasher

    def _end_hash(self) -> None:
        self._buffer, self._filled = bytearray(), 0
        if self._hasher is not None:
            self._hasher.close()
            self._hasher = None

    def _on_mark(self, length: int, digest: str) -> None:
        self._marks.append((length, digest))
        self.part.mark(length, digest)
