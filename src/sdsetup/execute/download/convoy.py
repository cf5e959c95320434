"""More connections, only where the running transfer shows that the host limits each of them.

After a while of one steady stream, one more connection fetches a stretch further on. If the whole then
runs clearly faster, the host limits each connection, and the next one is tried; if not, the line is what
limits, and it stays as it was for the rest of the run.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from pathlib import Path

from sdsetup.decide.resume import worth_another
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.execute.download.part import piece_files
from sdsetup.execute.download.pieces import Open, Piece

_log = logging.getLogger("sdsetup.download")
_LOOK = 0.25  # seconds between two looks


class Convoy:
    """The pieces ahead of the part, and how many connections there may be.

    `length` (bytes in the part) is told at every look; totals are bytes of the part and of all pieces.
    """

    def __init__(self, part: Path, size: int, options: DownloadOptions) -> None:
        self._part = part
        self._size = size
        self._options = options
        self._opening: Open | None = None
        self._fetched = 0  # bytes of pieces that are part of the file by now, or were given up
        self._samples: deque[tuple[float, int]] = deque()
        self._began = 0.0  # of the stretch that is being measured
        self._before: float | None = None  # the rate without the connection on trial
        self._next_look = 0.0
        self.pieces: list[Piece] = []
        self.connections = 1
        self.settled = self._single = options.connections <= 1 or options.limit_rate is not None

    def adopt(self, length: int, *, trusted: bool) -> None:
        """Take over the pieces an earlier run left; those of another file, or behind, are removed."""
        for start, path in sorted(piece_files(self._part).items()):
            size = path.stat().st_size
            if trusted and size and length < start + size <= self._size:
                self.pieces.append(Piece(path, start, start + size, size))
            else:
                path.unlink()

    def stream_begins(self, opening: Open) -> None:
        """A stream of the part itself begins."""
        self._opening = opening
        self.measure_anew()

    def measure_anew(self) -> None:
        """What was measured so far is no guide: a stream began, or broke."""
        self._samples.clear()
        self._began = time.monotonic()

    def at(self, length: int) -> Piece | None:
        """The piece that holds byte `length`."""
        self._drop_behind(length)
        first = self.pieces[0] if self.pieces else None
        return first if first is not None and first.start <= length and (first.running or first.length) else None

    def stop_at(self, length: int) -> int:
        """Where a stream from `length` meets the next piece, or the end of the file."""
        return min((piece.start for piece in self.pieces if piece.start > length), default=self._size)

    @property
    def received(self) -> int:
        """Body bytes that pieces have received in this run."""
        return self._fetched + sum(piece.received for piece in self.pieces)

    def ahead(self, length: int) -> int:
        """Bytes on the disk beyond the part."""
        return sum(max(0, piece.start + piece.length - max(piece.start, length)) for piece in self.pieces)

    def rate(self) -> float | None:
        """Bytes per second of all connections together; None while there is only one."""
        if self.connections == 1 and not any(piece.running for piece in self.pieces):
            return None
        return self._rate(5.0)

    def look(self, length: int, *, streaming: bool, at_once: bool = False) -> None:
        """Called often; now and then it measures, tries one more connection, or replaces an ended one.

        `streaming`: the caller has a connection of its own, besides the pieces.
        """
        now = time.monotonic()
        if now < self._next_look and not at_once:
            return
        self._next_look = now + _LOOK
        self._samples.append((now, length + self.ahead(length)))
        while len(self._samples) > 2 and now - self._samples[1][0] > max(10.0, self._options.trial_seconds):
            self._samples.popleft()
        for piece in self.pieces:
            if piece.failed is not None and not piece.told:
                piece.told = True
                self.connections = max(1, self.connections - 1)
                self._settle(f"one failed: {piece.failed}")
        if not self.settled:
            self._measure(now, length)
        self._refill(length, streaming=streaming)

    def stop(self) -> None:
        """End all threads; their pieces stay on the disk for the next source or run."""
        for piece in self.pieces:
            piece.stop(wait=0)
        for piece in self.pieces:
            piece.stop()
            piece.told = True
        self.connections, self.settled, self._before = 1, self._single, None

    def clear(self) -> None:
        """Throw the pieces away: they are of another file, or not to be trusted."""
        for piece in self.pieces:
            self._fetched += piece.received
            piece.remove()
        self.pieces.clear()
        self.connections, self.settled = 1, True

    def done_with(self, piece: Piece) -> None:
        """All of a piece that there is stands in the part."""
        self.pieces.remove(piece)
        self._fetched += piece.received
        piece.remove()

    def _measure(self, now: float, length: int) -> None:
        running = now - self._began
        if self._before is None:
            rate = self._rate(self._options.trial_seconds)
            left = self._size - length - self.ahead(length)
            if running >= self._options.trial_after and left > rate * self._options.trial_worth and rate > 0:
                self._try_one_more(now, rate)
            return
        if running < self._options.trial_seconds:
            return
        after = self._rate(self._options.trial_seconds * 0.7)  # the first part is spent on getting going
        if not worth_another(before=self._before, after=after, connections=self.connections):
            self.connections -= 1
            self._settle(f"{after / 1e6:.2f} MB/s after {self._before / 1e6:.2f}: one more brings nothing")
            return
        _log.info("%d connections: %.2f MB/s after %.2f", self.connections, after / 1e6, self._before / 1e6)
        if self.connections == self._options.connections:
            self._settle("as many connections as we allow ourselves")
        else:
            self._try_one_more(now, after)

    def _try_one_more(self, now: float, rate: float) -> None:
        self._before = rate
        self._began = now
        self.connections += 1

    def _settle(self, why: str) -> None:
        # A piece on its way is fetched to its end: its bytes are needed all the same.
        self.settled = True
        _log.info("%d connection(s) from here on: %s", self.connections, why)

    def _refill(self, length: int, *, streaming: bool) -> None:
        wanted = self.connections - (1 if streaming else 0)
        while self.connections > 1 and sum(piece.running for piece in self.pieces) < wanted:
            span = self._span()
            start = max([length + (span if streaming else 0), *(piece.end for piece in self.pieces)])
            if start >= self._size or self._opening is None:
                return
            end = min(start + span, self._size)
            piece = Piece(self._part.with_name(f"{self._part.name}.{start}"), start, end)
            piece.fetch(self._opening, self._options)
            self.pieces.append(piece)

    def _span(self) -> int:
        """Some ten seconds of one connection: long enough to be worth a request, short enough to wait for."""
        each = self._rate(5.0) / self.connections
        return max(self._options.piece_least, min(self._options.piece_most, int(each * 10)))

    def _drop_behind(self, length: int) -> None:
        while self.pieces and self.pieces[0].start + self.pieces[0].length <= length:
            first = self.pieces[0]
            if first.running and first.end > length:
                return
            self.done_with(first)

    def _rate(self, window: float) -> float:
        if len(self._samples) < 2:
            return 0.0
        now, total = self._samples[-1]
        then, had = next(((at, sum_) for at, sum_ in self._samples if at >= now - window), self._samples[0])
        return (total - had) / (now - then) if now > then else 0.0
