"""A stretch of the file further on, fetched by a thread of its own into NAME.part.START beside the part.

The part itself stays what it is, a whole beginning of the file: a piece is added to it when its turn
comes. So a killed run leaves nothing that the next one could not use.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from sdsetup.decide.resume import Take
from sdsetup.execute.download.opening import Opened
from sdsetup.execute.download.options import BrokenError, DownloadOptions
from sdsetup.execute.download.pace import Meter
from sdsetup.text import Text

_READ = 256 * 1024

# Opens the source for bytes [start, end) and judges the answer; raises BrokenError when it will not do.
Open = Callable[[int, int], tuple[Opened, Take]]


class Piece:
    """Bytes [start, end) of the file. `length`: so many of them are on the disk."""

    def __init__(self, path: Path, start: int, end: int, length: int = 0) -> None:
        self.path = path
        self.start = start
        self.end = end
        self.length = length
        self.received = 0
        self.failed: Exception | None = None
        self.told = False  # the failure has been taken note of
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def fetch(self, opening: Open, options: DownloadOptions) -> None:
        """Begin, in a thread. The file is there when this returns: its reader follows it from the start."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(self.path, flags, 0o666))
        self._thread = threading.Thread(target=self._run, args=(opening, options), name="piece", daemon=True)
        self._thread.start()

    def stop(self, *, wait: float = 3) -> None:
        """Ask the thread to end; what it has stays on the disk."""
        self._stopping = True
        if self._thread is not None:
            self._thread.join(wait)

    def remove(self) -> None:
        self.stop()
        self.path.unlink(missing_ok=True)

    def _run(self, opening: Open, options: DownloadOptions) -> None:
        try:
            opened, take = opening(self.start, self.end)
            try:
                if take.skip or take.unpack:
                    raise BrokenError(Text("the server does not do ranges"), "no-range")
                self._receive(opened, Meter(options))
            finally:
                opened.close()
        except (BrokenError, OSError) as error:
            self.failed = error

    def _receive(self, opened: Opened, meter: Meter) -> None:
        def tick() -> None:
            meter.check()
            if self._stopping:
                raise BrokenError(Text("no longer wanted"), "stopped")

        body = opened.body(unpack=False, tick=tick)
        buffer = memoryview(bytearray(_READ))
        with self.path.open("r+b", buffering=0) as file:
            while self.length < self.end - self.start:
                count = body.readinto(buffer[: self.end - self.start - self.length])
                if not count:
                    raise BrokenError(Text("the connection ended early"), "connection-broken")
                written = 0
                while written < count:
                    written += file.write(buffer[written:count]) or 0
                self.length += count
                self.received += count
                meter.add(count)
                tick()
