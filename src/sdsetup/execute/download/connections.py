"""More connections, only where the running transfer shows that the host limits each of them.

After a while of one steady stream, one more connection fetches a stretch further on. If the whole then
runs clearly faster, the host limits each connection, and the next one is tried; if not, the line is what
limits, and it stays as it was for the rest of the run.

A stretch lies in NAME.part.START beside the part, which stays what it is, a whole beginning of the file: a
stretch is added to it when its turn comes. So a killed run leaves nothing that the next one could not use.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from sdsetup.decide.download import Take, Verdict, worth_another
from sdsetup.execute.download.opening import Opened
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.execute.download.pace import Limit, RateMeter
from sdsetup.execute.download.part import piece_files
from sdsetup.execute.download.stream import Stream
from sdsetup.machine.web_errors import BrokenError
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.download")
_NO_LIMIT = Limit(None)

# Opens the source for bytes [start, end) and judges the answer. The last argument is called before each question.
Open = Callable[[int, int, Callable[[], None]], tuple[Opened, Verdict]]


class Piece:
    """Bytes [start, end) of the file, in a file of their own. `length`: so many of them are on the disk."""

    def __init__(self, path: Path, start: int, end: int, length: int = 0) -> None:
        self.path = path
        self.start = start
        self.end = end
        self.length = length
        self.received = 0
        self.failed: BaseException | None = None
        self._stream: Stream | None = None
        self._meter: RateMeter | None = None
        self._handle: int | None = None

    @property
    def running(self) -> bool:
        return self._stream is not None

    def fetch(self, opening: Open) -> None:
        """Begin, in a thread."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._handle = os.open(self.path, flags, 0o666)
        self._stream = Stream(
            self.start,
            self.end,
            opening=lambda asking: _whole_stretch(opening(self.start, self.end, asking)),
            began=lambda _opened: None,
            write=self._write,
            limit=_NO_LIMIT,
        )
        self._meter = None
        self._stream.start()

    def look(self, options: DownloadOptions) -> None:
        """Called now and then while it runs: ends it when it is over, or stands still."""
        stream = self._stream
        if stream is None:
            return
        self.received = stream.received
        if stream.ended.is_set():
            self.failed = stream.failed
            if self.failed is None and self.length < self.end - self.start:
                self.failed = BrokenError(Text("the connection was closed too early"), "connection-broken")
            self.stop()
            return
        try:
            if stream.late(options.answer_timeout):
                raise BrokenError(Text("the server did not respond in time"), "answer-timeout")
            if stream.opened is not None:
                self._meter = self._meter or RateMeter(options)
                self._meter.at(stream.received)
                self._meter.check()
        except BrokenError as error:
            self.failed = error
            self.stop()

    def stop(self) -> None:
        """What it has stays on the disk."""
        if self._stream is not None:
            self._stream.stop()
            self.received = self._stream.received
            self._stream = None
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        self.stop()
        self.path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        assert self._handle is not None
        view = memoryview(data)
        while len(view):
            done = os.write(self._handle, view)
            self.length += done
            view = view[done:]


def _whole_stretch(answered: tuple[Opened, Verdict]) -> tuple[Opened, Verdict]:
    """For a further connection: anything but the very bytes that were asked for is a failure."""
    opened, verdict = answered
    if isinstance(verdict, Take) and not verdict.skip and not verdict.unpack:
        return answered
    opened.reply.close()
    why = Text("the server can't resume downloads") if isinstance(verdict, Take) else verdict.why
    raise BrokenError(why, "refused")


class Connections:
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
        self._began = 0.0  # of the time that is being measured
        self._before: float | None = None  # the rate without the connection on trial
        self.pieces: list[Piece] = []
        self.allowed = 1
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
        """A stream of the part itself begins; further ones are opened like that."""
        self._opening = opening
        self.measure_anew()

    def measure_anew(self) -> None:
        """What was measured so far is no guide: a stream began, or broke."""
        self._samples.clear()
        self._began = time.monotonic()

    def at(self, length: int) -> Piece | None:
        """The piece that holds byte `length`. Pieces behind it are removed."""
        while (
            self.pieces and not self.pieces[0].running and self.pieces[0].start + self.pieces[0].length <= length
        ):
            self.done_with(self.pieces[0])
        first = self.pieces[0] if self.pieces else None
        return first if first is not None and first.start <= length else None

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
        if self.allowed == 1 and not any(piece.running for piece in self.pieces):
            return None
        return self._rate(5.0)

    def look(self, length: int, *, streaming: bool) -> None:
        """Called some ten times a second: measures, tries one more connection, replaces an ended one.

        `streaming`: the caller has a connection of its own, besides the pieces.
        """
        now = time.monotonic()
        for piece in self.pieces:
            piece.look(self._options)
            if piece.failed is not None:
                self.allowed = max(1, self.allowed - 1)
                self._settle(f"one failed: {piece.failed}")
                piece.failed = None
        self._samples.append((now, length + self.ahead(length)))
        while len(self._samples) > 2 and now - self._samples[1][0] > max(10.0, self._options.trial_seconds):
            self._samples.popleft()
        if not self.settled:
            self._measure(now, length)
        self._refill(length, streaming=streaming)

    def stop(self) -> None:
        """End all; the pieces stay on the disk for the next source or run."""
        for piece in self.pieces:
            piece.stop()
        self.allowed, self.settled, self._before = 1, self._single, None

    def clear(self) -> None:
        """Throw the pieces away: they are of another file, or not to be trusted."""
        for piece in list(self.pieces):
            self.done_with(piece)
        self.allowed, self.settled = 1, True

    def done_with(self, piece: Piece) -> None:
        """All of a piece that there is stands in the part."""
        self.pieces.remove(piece)
        piece.remove()
        self._fetched += piece.received

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
        if not worth_another(before=self._before, after=after, connections=self.allowed):
            self.allowed -= 1
            self._settle(f"{after / 1e6:.2f} MB/s after {self._before / 1e6:.2f}: one more brings nothing")
            return
        _log.info("%d connections: %.2f MB/s after %.2f", self.allowed, after / 1e6, self._before / 1e6)
        if self.allowed == self._options.connections:
            self._settle("as many connections as we allow ourselves")
        else:
            self._try_one_more(now, after)

    def _try_one_more(self, now: float, rate: float) -> None:
        self._before = rate
        self._began = now
        self.allowed += 1

    def _settle(self, why: str) -> None:
        # A piece on its way is fetched to its end: its bytes are needed all the same.
        self.settled = True
        _log.info("%d connection(s) from here on: %s", self.allowed, why)

    def _refill(self, length: int, *, streaming: bool) -> None:
        wanted = self.allowed - (1 if streaming else 0)
        while self.allowed > 1 and sum(piece.running for piece in self.pieces) < wanted:
            span = self._span()
            start = max([length + (span if streaming else 0), *(piece.end for piece in self.pieces)])
            if start >= self._size or self._opening is None:
                return
            end = min(start + span, self._size)
            piece = Piece(self._part.with_name(f"{self._part.name}.{start}"), start, end)
            piece.fetch(self._opening)
            self.pieces.append(piece)

    def _span(self) -> int:
        """Some ten seconds of one connection: long enough to be worth a request, short enough to wait for."""
        each = self._rate(5.0) / self.allowed
        return max(self._options.piece_least, min(self._options.piece_most, int(each * 10)))

    def _rate(self, window: float) -> float:
        if len(self._samples) < 2:
            return 0.0
        now, total = self._samples[-1]
        then, had = next(((at, sum_) for at, sum_ in self._samples if at >= now - window), self._samples[0])
        return (total - had) / (now - then) if now > then else 0.0
