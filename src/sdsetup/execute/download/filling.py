"""One source: try after try, until the store has the whole file or the source has failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sdsetup.decide.resume import AskWhole, Elsewhere, Later, Take, Verdict, judge
from sdsetup.execute.context import Context
from sdsetup.execute.download.convoy import Convoy
from sdsetup.execute.download.message import Body
from sdsetup.execute.download.opening import Ask, Opened, open_source
from sdsetup.execute.download.options import BrokenError, DownloadOptions, SourceError
from sdsetup.execute.download.pace import Limit, Meter, pause_before, rest
from sdsetup.execute.download.pieces import Piece
from sdsetup.execute.download.sources import Place, hub_token
from sdsetup.execute.download.store import Store
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.download")
_BETWEEN_REPORTS = 0.1  # seconds


@dataclass(kw_only=True)
class Run:
    """What lasts over all sources of one download."""

    store: Store
    convoy: Convoy
    context: Context
    options: DownloadOptions
    limit: Limit
    received: int = 0
    attempts: int = 0
    reported: float = 0.0

    def report(self, rate: float, source: str) -> None:
        """Tell the bar, at most ten times a second."""
        now = time.monotonic()
        length, size = self.store.length, self.store.size
        if now - self.reported >= _BETWEEN_REPORTS or length == size:
            self.reported = now
            done = length + self.convoy.ahead(length)
            self.context.progress(done, size, rate=self.convoy.rate() or rate, source=source)


class Filling:
    """Fills the store from one place. `fill` may be called again after the store was cut back.

    Raises:
        SourceError: this source cannot; DamageError, OSError: the disk.
    """

    def __init__(self, run: Run, place: Place) -> None:
        self.run = run
        self.place = place
        self.store = run.store
        self.options = run.options
        self.token: str | None = None
        self.whole = False  # ask without a range
        self.fruitless = 0
        self.odd = 0

    def fill(self) -> None:
        self.fruitless = self.odd = 0
        while self.store.length < self.store.size:
            before = self.store.length
            convoy = self.run.convoy
            if convoy.connections > 1:
                convoy.look(before, streaming=False, at_once=True)
            piece = convoy.at(before)
            if piece is not None:
                self._assemble(piece)
                continue
            verdict = self._try()
            if verdict is not None:
                convoy.measure_anew()
                self.fruitless = 1 if self.store.length > before else self.fruitless + 1
                self._act_on(verdict)

    def beat(self) -> None:
        self.run.report(0, self.place.name)

    def _act_on(self, verdict: Verdict) -> None:
        match verdict:
            case AskWhole():
                self.whole = True
                if self.fruitless > self.options.fruitless:
                    raise SourceError(verdict.why, "no-range", source=self.place.name)
            case Later():
                self._pause(verdict)
            case Elsewhere():
                if verdict.wants_token and self.token is None and self.place.hub:
                    self.token = hub_token(self.run.context)
                    if self.token:
                        return
                self.odd += 1
                if not verdict.odd or self.odd > 1:
                    raise SourceError(verdict.why, verdict.code, source=self.place.name)
                rest(pause_before(1, self.options), self.beat)
            case Take():
                raise AssertionError("a body that was taken leaves no verdict")

    def _pause(self, verdict: Later) -> None:
        too_long = verdict.wait is not None and verdict.wait > self.options.longest_wait
        if too_long or self.fruitless > self.options.fruitless:
            raise SourceError(verdict.why, verdict.code, source=self.place.name, wait=verdict.wait)
        if verdict.code == "link-expired" and self.fruitless <= 1:
            return
        pause = max(verdict.wait or 0.0, pause_before(self.fruitless, self.options))
        _log.info("%s: %s; next try in %.1f s", self.place.name, verdict.why, pause)
        if pause >= 2:
            self.run.context.note(Text("Next try in {seconds} s: {why}", why=verdict.why, seconds=round(pause)))
        rest(pause, self.beat)

    def _try(self) -> Verdict | None:
        """One request. None: its body was read up to the next piece, or to the end of the file."""
        self.run.attempts += 1
        if self.run.attempts > self.options.attempts:
            raise SourceError(
                Text("{count} tries were not enough", count=self.options.attempts),
                "too-many-tries",
                source=self.place.name,
            )
        have = self.store.length
        until = self.run.convoy.stop_at(have)
        start, end = (0, None) if self.whole else (have, until if until < self.store.size else None)
        try:
            opened = self._open(start, end, self.beat)
            try:
                verdict = self._judge(opened, start, have, end)
                if not isinstance(verdict, Take):
                    return verdict
                self._pour(opened, verdict)
            finally:
                opened.close()
        except BrokenError as broken:
            if broken.permanent:
                raise SourceError(broken.why, broken.code, source=self.place.name) from broken
            return Later(why=broken.why, code=broken.code)
        if self.store.length < self.run.convoy.stop_at(have):
            return Later(why=Text("the connection ended early"), code="connection-broken")
        return None

    def _open(self, start: int, end: int | None, beat: Callable[[], None]) -> Opened:
        ask = Ask(
            url=self.place.url,
            start=start,
            end=end,
            size=self.store.size,
            sha256=self.store.sha256,
            token=self.token,
        )
        return open_source(ask, self.run.context.machine.env, self.options, beat)

    def _judge(self, opened: Opened, start: int, have: int, end: int | None) -> Verdict:
        size, sha256 = self.store.size, self.store.sha256
        return judge(opened.answer, asked_from=start, asked_to=end, have=have, size=size, sha256=sha256)

    def _open_piece(self, start: int, end: int) -> tuple[Opened, Take]:
        """For another connection: anything but the very bytes that were asked for is a failure."""
        opened = self._open(start, end, lambda: None)  # only one thread talks to the bar
        verdict = self._judge(opened, start, start, end)
        if isinstance(verdict, Take):
            return opened, verdict
        opened.close()
        raise BrokenError(verdict.why, "refused")

    def _pour(self, opened: Opened, take: Take) -> None:
        """Body to disk and hash, until the next piece, the end of the file, or the body's own end."""
        self.store.begin(opened.address.plain, opened.etag)
        meter = Meter(self.options)

        def tick() -> None:
            meter.check()
            self.run.report(meter.rate(), self.place.name)

        body = opened.body(unpack=take.unpack, tick=tick)
        self._skip(body, take.skip, meter)
        convoy = self.run.convoy
        if opened.answer.status == 206 or not self.store.length:
            convoy.stream_begins(self._open_piece)
        try:
            while (left := convoy.stop_at(self.store.length) - self.store.length) > 0:
                view = self.store.room(self.run.limit.piece(left))
                count = body.readinto(view)
                if not count:
                    return
                self.store.took(view[:count])
                self._count(count, meter)
                convoy.look(self.store.length, streaming=True)
                if convoy.at(self.store.length) is not None:
                    return
        finally:
            self.store.flush()

    def _assemble(self, piece: Piece) -> None:
        """Add a piece to the part, following it while it is still being fetched."""
        convoy = self.run.convoy
        self.store.joined = True
        try:
            with piece.path.open("rb", buffering=0) as file:
                file.seek(self.store.length - piece.start)
                while self.store.length < piece.end:
                    running = piece.running
                    ready = piece.start + piece.length - self.store.length
                    if ready <= 0:
                        if not running:
                            break
                        rest(0.05, self.beat)
                    else:
                        view = self.store.room(ready)
                        self.store.took(view[: file.readinto(view) or 0])
                    self.run.report(0, self.place.name)
                    convoy.look(self.store.length, streaming=False)
        finally:
            self.store.flush()
        convoy.done_with(piece)

    def _skip(self, body: Body, count: int, meter: Meter) -> None:
        """Read past bytes that are on the disk already (a server that does not do ranges)."""
        buffer = memoryview(bytearray(256 * 1024)) if count else memoryview(b"")
        while count:
            got = body.readinto(buffer[: min(count, len(buffer))])
            if not got:
                return
            count -= got
            self._count(got, meter)

    def _count(self, count: int, meter: Meter) -> None:
        """Bytes have come: for the tally, the stall clock, the limit and the bar."""
        self.run.received += count
        meter.add(count)
        self.run.limit.spend(count)
        if time.monotonic() - self.run.reported >= _BETWEEN_REPORTS:
            meter.check()
            self.run.report(meter.rate(), self.place.name)
