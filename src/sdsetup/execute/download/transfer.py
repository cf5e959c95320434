"""The transfer: source after source, until the pinned bytes are on the disk and proved."""

from __future__ import annotations

import logging
from pathlib import Path

from sdsetup.decide.resume import Publish, StartOver, after_hash, where_to_start
from sdsetup.execute.context import Context
from sdsetup.execute.download import problems
from sdsetup.execute.download.convoy import Convoy
from sdsetup.execute.download.filling import Filling, Run
from sdsetup.execute.download.hashing import DamageError
from sdsetup.execute.download.options import DownloadOptions, Fetched, SourceError
from sdsetup.execute.download.pace import Limit
from sdsetup.execute.download.preflight import check_room
from sdsetup.execute.download.sources import Place, places
from sdsetup.execute.download.store import Store
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile

_log = logging.getLogger("sdsetup.download")


class Transfer:
    """One download under way. `run` once."""

    def __init__(self, file: FetchFile, target: Path, context: Context, options: DownloadOptions) -> None:
        self.file = file
        self.target = target
        self.context = context
        self.options = options
        self.store = Store(target, size=file.size, sha256=file.sha256, options=options)
        self.convoy = Convoy(self.store.part.path, file.size, options)
        self.under_way = Run(
            store=self.store,
            convoy=self.convoy,
            context=context,
            options=options,
            limit=Limit(options.limit_rate),
        )

    def run(self) -> Fetched:
        """Download, prove, publish.

        Raises:
            SdsetupError: no source delivered, or the disk cannot take it.
            OSError: the disk failed.
        """
        part = self.store.part
        pinned, marks = part.note()
        keep = where_to_start(
            part_bytes=part.found(), part_sha256=pinned, size=self.file.size, sha256=self.file.sha256
        )
        self.convoy.adopt(keep, trusted=pinned == self.file.sha256)
        self._check_room(keep + self.convoy.ahead(keep))
        try:
            self.store.start(keep, marks)
            place = self._from_any(places(self.file, self.context, self.options))
        finally:
            self.convoy.stop()
            self.store.stop()
        received = self.under_way.received + self.convoy.received
        return Fetched(path=self.target, transferred_bytes=received, source=place.name, resumed_from=keep)

    def _from_any(self, sources: tuple[Place, ...]) -> Place:
        """Publish from the first source that delivers."""
        failures: list[SourceError] = []
        for place in sources:
            try:
                self._from(place)
            except SourceError as failure:
                self.convoy.stop()
                _log.warning("%s: %s (%s)", failure.source, failure.why, failure.code)
                failures.append(failure)
                if place is not sources[-1]:
                    said = Text("{source}: {why}. Trying the next source.", source=place.name, why=failure.why)
                    self.context.note(said)
            else:
                return place
        page = next((place.page for place in sources if place.page), None)
        kept = self.store.length + self.convoy.ahead(self.store.length)
        raise problems.gave_up(self.file, self.target, failures, kept=kept, page=page)

    def _from(self, place: Place) -> None:
        """Fill, prove and publish the part from one source.

        Raises:
            SourceError: this source cannot.
        """
        filling = Filling(self.under_way, place)
        started_over = False
        while True:
            try:
                filling.fill()
                digest = self.store.digest(filling.beat)
            except DamageError as damage:
                said = Text("The unfinished file was damaged on the disk: {good} MB of it are good.",
                            good=damage.good // 10**6)  # fmt: skip
                self.context.note(said)
                self.store.restart(damage.good)
                continue
            matches = digest == self.file.sha256
            match after_hash(matches=matches, joined=self.store.joined, started_over=started_over):
                case Publish():
                    self._publish()
                    return
                case StartOver():
                    started_over = True
                    self.context.note(Text("The joined pieces do not add up: once more from the start."))
                    self.convoy.clear()
                    self.store.start(0)
                case _:
                    self._set_aside(place)

    def _publish(self) -> None:
        self.convoy.clear()
        moved = self.store.publish()
        if moved is not None:
            self.context.note(Text("The other file of that name is kept as {name}.", name=moved.name))

    def _set_aside(self, place: Place) -> None:
        self.convoy.clear()
        bad = self.store.set_aside()
        self._check_room(0)
        raise SourceError(
            Text("the bytes it sends are not the pinned file (they are kept as {name})", name=bad.name),
            "wrong-hash",
            source=place.name,
        )

    def _check_room(self, kept: int) -> None:
        check_room(self.target, self.context, kept=kept, size=self.file.size, options=self.options)
