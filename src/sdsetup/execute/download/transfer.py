"""The transfer: source after source, try after try, until the pinned bytes are on the disk."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from sdsetup.decide.plan import FetchFile
from sdsetup.decide.resume import (
    AskWhole,
    Elsewhere,
    Later,
    Publish,
    StartOver,
    Take,
    Verdict,
    after_hash,
    judge,
    where_to_start,
)
from sdsetup.execute.context import Context
from sdsetup.execute.download import problems
from sdsetup.execute.download.hashing import DamageError, Hasher
from sdsetup.execute.download.message import Body
from sdsetup.execute.download.opening import Opened, open_source
from sdsetup.execute.download.options import BrokenError, DownloadOptions, Fetched, SourceError
from sdsetup.execute.download.pace import Limit, Meter, pause_before, rest
from sdsetup.execute.download.part import Part
from sdsetup.execute.download.preflight import check_room
from sdsetup.execute.download.sources import Place, hub_token, places
from sdsetup.text import Text

_log = logging.getLogger("sdsetup.download")
_BETWEEN_REPORTS = 0.1  # seconds
_DAMAGES = 3  # a disk that loses bytes again and again is not ours to mend


class Transfer:
    """One download under way. `run` once."""

    def __init__(self, file: FetchFile, target: Path, context: Context, options: DownloadOptions) -> None:
        self.file = file
        self.target = target
        self.context = context
        self.options = options
        self.part = Part(target, size=file.size, sha256=file.sha256)
        self.limit = Limit(options.limit_rate)
        self.received = 0
        self.attempts = 0
        self.joined = False  # the bytes did not all come in one stream
        self.damages = 0
        self.marks: list[tuple[int, str]] = []
        self.reported = 0.0
        self.hasher: Hasher | None = None

    def run(self) -> Fetched:
        """Download, prove, publish.

        Raises:
            SdsetupError: no source delivered, or the disk cannot take it.
            OSError: the disk failed.
        """
        pinned, marks = self.part.note()
        found = self.part.found()
        keep = where_to_start(part_bytes=found, part_sha256=pinned, size=self.file.size, sha256=self.file.sha256)
        self.joined = keep > 0
        check_room(self.target, self.context, kept=keep, size=self.file.size, options=self.options)
        sources = places(self.file, self.context, self.options)
        failures: list[SourceError] = []
        try:
            self._start(keep, marks)
            for place in sources:
                try:
                    self._from(place)
                except SourceError as failure:
                    _log.warning("%s: %s (%s)", failure.source, failure.why, failure.code)
                    failures.append(failure)
                    if place is not sources[-1]:
                        self.context.note(Text("{source}: {why}. Trying the next source.", source=place.name,
                                               why=failure.why))  # fmt: skip
                    continue
                return Fetched(
                    path=self.target, transferred_bytes=self.received, source=place.name, resumed_from=keep
                )
        finally:
            self._stop()
        kept = self.part.found()
        raise problems.gave_up(self.file, self.target, failures, kept=kept, page=_page(sources))

    def _start(self, keep: int, marks: list[tuple[int, str]]) -> None:
        """Open the part after `keep` good bytes, and a hash that follows it from its start."""
        self._stop()
        self.marks = [mark for mark in marks if mark[0] <= keep]
        self.part.open(keep)
        self.hasher = Hasher(self.part.path, keep, marks=self.marks, on_mark=self._mark, options=self.options)

    def _stop(self) -> None:
        if self.hasher is not None:
            self.hasher.close()
            self.hasher = None
        self.part.close()

    def _mark(self, length: int, digest: str) -> None:
        self.marks.append((length, digest))
        self.part.mark(length, digest)

    def _from(self, place: Place) -> None:
        """Fill, prove and publish the part from one source.

        Raises:
            SourceError: this source cannot.
        """
        started_over = False
        while True:
            assert self.hasher is not None
            try:
                self._fill(place)
                digest = self.hasher.digest(self.file.size, lambda: self._report(0, place))
            except DamageError as damage:
                self._repair(damage.good)
                continue
            decision = after_hash(
                matches=digest == self.file.sha256, joined=self.joined, started_over=started_over
            )
            match decision:
                case Publish():
                    self._publish()
                    return
                case StartOver():
                    started_over = True
                    self.context.note(Text("The joined pieces do not add up: once more from the start."))
                    self._start(0, [])
                    self.joined = False
                case _:
                    self._set_aside(place)

    def _repair(self, good: int) -> None:
        self.damages += 1
        if self.damages > _DAMAGES:
            raise OSError(5, "bytes on the drive change after they were written")
        self.context.note(
            Text("The unfinished file was damaged on the disk: {good} MB of it are good.", good=good // 10**6)
        )
        self._start(good, self.marks)

    def _publish(self) -> None:
        assert self.hasher is not None
        self.hasher.close()
        self.hasher = None
        moved = self.part.publish()
        if moved is not None:
            self.context.note(Text("The other file of that name is kept as {name}.", name=moved.name))

    def _set_aside(self, place: Place) -> None:
        self._stop()
        bad = self.part.set_aside()
        self._start(0, [])
        self.joined = False
        check_room(self.target, self.context, kept=0, size=self.file.size, options=self.options)
        raise SourceError(
            Text("the bytes it sends are not the pinned file (they are kept as {name})", name=bad.name),
            "wrong-hash",
            source=place.name,
        )

    def _fill(self, place: Place) -> None:
        """Try until the part has its full size.

        Raises:
            SourceError, DamageError, OSError.
        """
        fruitless = odd = 0
        whole = False
        token: str | None = None
        while self.part.length < self.file.size:
            before = self.part.length
            verdict = self._try(place, whole=whole, token=token)
            if verdict is None:
                continue
            fruitless = 1 if self.part.length > before else fruitless + 1
            match verdict:
                case AskWhole():
                    whole = True
                    if fruitless > self.options.fruitless:
                        raise SourceError(verdict.why, "no-range", source=place.name)
                case Later():
                    self._pause(place, verdict, fruitless)
                case Elsewhere():
                    if verdict.wants_token and token is None and place.hub and (token := hub_token(self.context)):
                        continue
                    odd += 1
                    if not verdict.odd or odd > 1:
                        raise SourceError(verdict.why, verdict.code, source=place.name)
                    rest(pause_before(1, self.options), lambda: self._report(0, place))
                case Take():
                    raise AssertionError("a body that was taken leaves no verdict")

    def _pause(self, place: Place, verdict: Later, fruitless: int) -> None:
        too_long = verdict.wait is not None and verdict.wait > self.options.longest_wait
        if too_long or fruitless > self.options.fruitless:
            raise SourceError(verdict.why, verdict.code, source=place.name, wait=verdict.wait)
        if verdict.code == "link-expired" and fruitless <= 1:
            return
        pause = max(verdict.wait or 0.0, pause_before(fruitless, self.options))
        _log.info("%s: %s; next try in %.1f s", place.name, verdict.why, pause)
        if pause >= 2:
            self.context.note(Text("Next try in {seconds} s: {why}", why=verdict.why, seconds=round(pause)))
        rest(pause, lambda: self._report(0, place))

    def _try(self, place: Place, *, whole: bool, token: str | None) -> Verdict | None:
        """One request. None: its body was read to the end of the file."""
        self.attempts += 1
        if self.attempts > self.options.attempts:
            raise SourceError(
                Text("{count} tries were not enough", count=self.options.attempts),
                "too-many-tries",
                source=place.name,
            )
        have = self.part.length
        start = 0 if whole else have
        try:
            opened = open_source(
                place.url,
                start=start,
                size=self.file.size,
                sha256=self.file.sha256,
                token=token,
                env=self.context.machine.env,
                options=self.options,
                beat=lambda: self._report(0, place),
            )
            try:
                verdict = judge(
                    opened.answer, asked_from=start, have=have, size=self.file.size, sha256=self.file.sha256
                )
                if not isinstance(verdict, Take):
                    return verdict
                self._pour(opened, verdict, place)
            finally:
                opened.close()
        except BrokenError as broken:
            if broken.permanent:
                raise SourceError(broken.why, broken.code, source=place.name) from broken
            return Later(why=broken.why, code=broken.code)
        if self.part.length < self.file.size:
            return Later(why=Text("the connection ended early"), code="connection-broken")
        return None

    def _pour(self, opened: Opened, take: Take, place: Place) -> None:
        """Body to disk and hash, until the file has its size or the body ends."""
        assert self.hasher is not None
        self.part.begin(opened.address.plain, opened.etag, self.marks)
        self.joined = self.joined or self.part.length > 0
        meter = Meter(self.options)

        def tick() -> None:
            meter.check()
            self._report(meter.rate(), place)

        body = opened.body(unpack=take.unpack, tick=tick)
        _skip(body, take.skip, self, meter, place)
        buffer, filled = self.hasher.buffer(), 0
        try:
            while self.part.length < self.file.size:
                if filled == len(buffer):
                    self.hasher.take(buffer, filled)
                    buffer, filled = bytearray(), 0
                    buffer = self.hasher.buffer()
                room = self.limit.piece(min(len(buffer) - filled, self.file.size - self.part.length))
                piece = memoryview(buffer)[filled : filled + room]
                count = body.readinto(piece)
                if not count:
                    return
                self.part.append(piece[:count])
                filled += count
                self.count(count, meter, place)
        finally:
            if filled:
                self.hasher.take(buffer, filled)

    def count(self, count: int, meter: Meter, place: Place) -> None:
        """Bytes have come: for the tally, the stall clock, the limit and the bar."""
        self.received += count
        meter.add(count)
        self.limit.spend(count)
        now = time.monotonic()
        if now - self.reported >= _BETWEEN_REPORTS:
            meter.check()
            self._report(meter.rate(), place, now)

    def _report(self, rate: float, place: Place, now: float | None = None) -> None:
        now = now if now is not None else time.monotonic()
        if now - self.reported >= _BETWEEN_REPORTS or self.part.length == self.file.size:
            self.reported = now
            self.context.progress(self.part.length, self.file.size, rate=rate, source=place.name)


def _skip(body: Body, count: int, transfer: Transfer, meter: Meter, place: Place) -> None:
    """Read past bytes that are on the disk already (a server that does not do ranges)."""
    buffer = memoryview(bytearray(256 * 1024)) if count else memoryview(b"")
    while count:
        got = body.readinto(buffer[: min(count, len(buffer))])
        if not got:
            return
        count -= got
        transfer.count(got, meter, place)


def _page(sources: tuple[Place, ...]) -> str | None:
    return next((place.page for place in sources if place.page), None)
