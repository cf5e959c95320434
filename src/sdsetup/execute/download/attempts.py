"""One source: try after try, until the part is whole or the source has failed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sdsetup.decide.download import AskWhole, Elsewhere, Later, Take, Verdict, judge
from sdsetup.execute.context import Context
from sdsetup.execute.download.connections import Connections, Piece
from sdsetup.execute.download.opening import Ask, Opened, open_source
from sdsetup.execute.download.options import DownloadOptions, SourceError
from sdsetup.execute.download.pace import Limit, RateMeter, pause_before, rest
from sdsetup.execute.download.part import Part
from sdsetup.execute.download.sources import Place, hub_token
from sdsetup.execute.download.stream import Stream
from sdsetup.machine.web_errors import BrokenError
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.download")
_TICK = 0.1  # seconds between two looks at a stream; the bar moves at each
_READ = 256 * 1024


@dataclass(kw_only=True)
class Run:
    """What lasts over all sources of one download."""

    part: Part
    connections: Connections
    context: Context
    options: DownloadOptions
    limit: Limit = field(init=False)
    received: int = 0
    attempts: int = 0

    def __post_init__(self) -> None:
        self.limit = Limit(self.options.limit_rate)

    def report(self, rate: float, source: str) -> None:
        """Tell the bar."""
        length = self.part.length
        done = length + self.connections.ahead(length)
        self.context.progress(done, self.part.size, rate=self.connections.rate() or rate, source=source)


class Attempts:
    """Fills the part from one place. `fill` may be called again after the part was cut back.

    `brief`: there are other places, so one that brings nothing has a single try for now.
    `hurried`: and little time to answer.

    Raises:
        SourceError: this source cannot; DamageError, OSError: the disk.
    """

    def __init__(self, run: Run, place: Place, *, brief: bool = False, hurried: bool = False) -> None:
        self.run = run
        self.place = place
        self.brief = brief
        self.part = run.part
        self.options = run.options
        if hurried:
            self.options = replace(run.options, answer_timeout=run.options.first_answer)
        self.token: str | None = None
        self.whole = False  # ask without a range
        self.answered = False  # this place has been reached in this run
        self.fruitful = False  # it has brought bytes in this run
        self.fruitless = 0
        self.odd = 0

    def fill(self) -> None:
        self.fruitless = self.odd = 0
        connections = self.run.connections
        while self.part.length < self.part.size:
            before = self.part.length
            if connections.allowed > 1:
                connections.look(before, streaming=False)
            piece = connections.at(before)
            if piece is not None:
                self._join(piece)
                continue
            verdict = self._try()
            if verdict is not None:
                connections.measure_anew()
                self.fruitful = self.fruitful or self.part.length > before
                self.fruitless = 1 if self.part.length > before else self.fruitless + 1
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
        # A name that was never found is no line that dropped: the next source's name may be found.
        unknown = verdict.code == "no-such-host" and not self.answered
        once = self.brief and not self.fruitful and not unknown
        if too_long or unknown or once or self.fruitless > self.options.fruitless:
            again = once and not too_long
            raise SourceError(verdict.why, verdict.code, source=self.place.name, wait=verdict.wait, again=again)
        if verdict.code == "link-expired" and self.fruitless <= 1:
            return
        pause = max(verdict.wait or 0.0, pause_before(self.fruitless, self.options))
        _log.info("%s: %s; next try in %.1f s", self.place.name, verdict.why, pause)
        if pause >= 2:
            self.run.context.note(
                Text("Trying again in {seconds} s: {why}", why=verdict.why, seconds=round(pause))
            )
        rest(pause, self.beat)

    def _try(self) -> Verdict | None:
        """One request. None: its body was read up to the next piece, or to the end of the file."""
        self.run.attempts += 1
        if self.run.attempts > self.options.attempts:
            raise SourceError(
                Text("no success after {count} attempts", count=self.options.attempts),
                "too-many-tries",
                source=self.place.name,
            )
        have, until = self.part.length, self.run.connections.stop_at(self.part.length)
        start, end = (0, None) if self.whole else (have, until if until < self.part.size else None)
        stream = Stream(
            have,
            until,
            opening=lambda asking: self._open(start, end, have, asking),
            began=self._began,
            write=self.part.append,
            limit=self.run.limit,
        )
        try:
            self._watch(stream)
        except BrokenError as broken:
            if broken.permanent:
                raise SourceError(broken.why, broken.code, source=self.place.name) from broken
            return Later(why=broken.why, code=broken.code)
        if not isinstance(stream.verdict, Take):
            return stream.verdict
        if self.part.length < self.run.connections.stop_at(have):
            return Later(why=Text("the connection was closed too early"), code="connection-broken")
        return None

    def _watch(self, stream: Stream) -> None:
        """Run a stream to its end. This thread keeps the clock, the bar, the connections and Ctrl-C.

        Raises:
            BrokenError: it broke, or stood still; DamageError, OSError: the disk.
        """
        meter: RateMeter | None = None
        connections = self.run.connections
        stream.start()
        try:
            # Not `join`: a Ctrl-C in there marks a thread that still runs as ended.
            while not stream.ended.wait(_TICK):
                self.part.check()
                if stream.late(self.options.answer_timeout):
                    raise BrokenError(Text("the server did not respond in time"), "answer-timeout")
                if stream.opened is not None:
                    meter = meter or RateMeter(self.options)
                    meter.at(stream.received)
                    meter.check()
                    connections.look(self.part.length, streaming=True)
                    stream.until = connections.stop_at(self.part.length)
                    self.run.report(meter.rate(), self.place.name)
        finally:
            stream.stop()
            self.run.received += stream.received
            self.answered = self.answered or stream.opened is not None
        if stream.failed is not None:
            raise stream.failed
        self.run.report(meter.rate() if meter else 0, self.place.name)

    def _open(self, start: int, end: int | None, have: int, asking: Callable[[], None]) -> tuple[Opened, Verdict]:
        size, sha256 = self.part.size, self.part.sha256
        ask = Ask(url=self.place.url, start=start, end=end, size=size, sha256=sha256, token=self.token)
        opened = open_source(ask, self.run.context.machine, self.options, asking)
        verdict = judge(opened.answer, asked_from=start, asked_to=end, have=have, size=size, sha256=sha256)
        return opened, verdict

    def _began(self, opened: Opened) -> None:
        self.part.begin(opened.address.plain, opened.etag)
        if opened.answer.status == 206 or not self.part.length:
            self.run.connections.stream_begins(lambda start, end, asking: self._open(start, end, start, asking))

    def _join(self, piece: Piece) -> None:
        """Add a piece to the part, once it is there as far as it will be."""
        connections = self.run.connections
        while piece.running:
            rest(_TICK, self.beat)
            connections.look(self.part.length, streaming=False)
        self.part.joined = True
        with piece.path.open("rb", buffering=0) as file:
            file.seek(self.part.length - piece.start)
            while data := file.read(max(0, min(_READ, piece.start + piece.length - self.part.length))):
                self.part.append(data)
                self.part.check()
        connections.done_with(piece)
        self.beat()
