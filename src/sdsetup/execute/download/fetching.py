"""One file from its sources to its place, whatever happens in between: source after source, until the pinned bytes
are on the disk and proved."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup.decide.download import Publish, StartOver, after_hash, where_to_start
from sdsetup.execute.context import Context
from sdsetup.execute.download import problems, reuse
from sdsetup.execute.download.attempts import Attempts, Run
from sdsetup.execute.download.connections import Connections
from sdsetup.execute.download.hashing import DamageError, sha256_of
from sdsetup.execute.download.options import DownloadOptions, Fetched, SourceError
from sdsetup.execute.download.pace import pause_before, rest
from sdsetup.execute.download.part import Part, tidy
from sdsetup.execute.download.preflight import check_folder, check_room, target_of
from sdsetup.execute.download.sources import Place, places
from sdsetup.execute.lock import folder_lock
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
        self.part = Part(target, size=file.size, sha256=file.sha256, options=options)
        self.connections = Connections(self.part.path, file.size, options)
        self.under_way = Run(part=self.part, connections=self.connections, context=context, options=options)

    def run(self) -> Fetched:
        """Download, prove, publish.

        Raises:
            SdsetupError: no source delivered, or the disk cannot take it.
            OSError: the disk failed.
        """
        pinned, marks = self.part.note()
        keep = where_to_start(
            part_bytes=self.part.found(), part_sha256=pinned, size=self.file.size, sha256=self.file.sha256
        )
        self.connections.adopt(keep, trusted=pinned == self.file.sha256)
        self._check_room(keep + self.connections.ahead(keep))
        try:
            self.part.start(keep, marks)
            place = self._from_any(places(self.file, self.context, self.options))
        finally:
            self.connections.stop()
            self.part.stop()
        received = self.under_way.received + self.connections.received
        return Fetched(path=self.target, transferred_bytes=received, source=place.name, resumed_from=keep)

    def _from_any(self, sources: tuple[Place, ...]) -> Place:
        """Publish from the first source that delivers: round after round, so that a dead one costs seconds."""
        failures: dict[Place, SourceError] = {}
        waiting = list(sources)
        for number in range(self.options.fruitless + 1):
            if number:
                rest(pause_before(number, self.options), lambda: self.under_way.report(0, waiting[0].name))
            place = self._round(waiting, failures, brief=len(sources) > 1, first=not number)
            if place is not None:
                return place
            if not waiting:
                break
        page = next((place.page for place in sources if place.page), None)
        kept = self.part.length + self.connections.ahead(self.part.length)
        raise problems.gave_up(self.file, self.target, list(failures.values()), kept=kept, page=page)

    def _round(
        self, waiting: list[Place], failures: dict[Place, SourceError], *, brief: bool, first: bool
    ) -> Place | None:
        """One try of each source in `waiting`, which loses those that have failed for good."""
        silent: set[str] = set()  # hosts: another file of theirs is no more to be had
        for place in tuple(waiting):
            if urlsplit(place.url).netloc in silent:
                continue
            try:
                self._from(place, brief=brief, hurried=brief and first)
                return place
            except SourceError as failure:
                self.connections.stop()
                _log.warning("%s: %s (%s)", failure.source, failure.why, failure.code)
                failures.pop(place, None)
                failures[place] = failure
                if failure.again or failure.code == "no-such-host":
                    silent.add(urlsplit(place.url).netloc)
                if not failure.again:
                    waiting.remove(place)
                if brief:
                    said = Text("{source}: {why}. Trying the next source.", source=place.name, why=failure.why)
                    self.context.note(said)
        return None

    def _from(self, place: Place, *, brief: bool, hurried: bool) -> None:
        """Fill, prove and publish the part from one source.

        Raises:
            SourceError: this source cannot.
        """
        attempts = Attempts(self.under_way, place, brief=brief, hurried=hurried)
        started_over = False
        while True:
            try:
                attempts.fill()
                digest = self.part.digest(attempts.beat)
            except DamageError as damage:
                said = Text("The unfinished download was damaged on the disk. {good} MB of it can be used.",
                            good=damage.good // 10**6)  # fmt: skip
                self.context.note(said)
                self.part.restart(damage.good)
                continue
            matches = digest == self.file.sha256
            match after_hash(matches=matches, joined=self.part.joined, started_over=started_over):
                case Publish():
                    self._publish()
                    return
                case StartOver():
                    started_over = True
                    self.context.note(Text("The downloaded parts don't match the checksum. Starting over."))
                    self.connections.clear()
                    self.part.start(0)
                case _:
                    self._set_aside(place)

    def _publish(self) -> None:
        self.connections.clear()
        moved = self.part.publish()
        if moved is not None:
            self.context.tell(Text("The previous file with that name is kept as {name}.", name=moved.name))

    def _set_aside(self, place: Place) -> None:
        self.connections.clear()
        bad = self.part.set_aside()
        self._check_room(0)
        raise SourceError(
            Text("the server sent a file with the wrong SHA-256 (kept as {name})", name=bad.name),
            "wrong-hash",
            source=place.name,
        )

    def _check_room(self, kept: int) -> None:
        check_room(self.target, self.context, kept=kept, size=self.file.size, options=self.options)


def fetch(file: FetchFile, context: Context, *, options: DownloadOptions | None = None) -> Fetched:
    """Put a pinned file at `context.dir / file.save_as`, proved by size and SHA-256.

    A file that is there already is only checked. A copy elsewhere on this computer is used (hard link
    on the same drive, else copied) before anything is downloaded. Interrupted at any point, the same
    call continues; the target is either absent (or what it was) or right.

    Raises:
        SdsetupError: the case, what is kept, and how to go on. Codes among others: `disk-full`,
            `not-writable`, `file-too-large-for-drive`, `captive-portal`, `no-such-host`,
            `connection-refused`, `certificate-not-trusted`, `gated`, `gone`, `wrong-hash`.
    """
    options = options or DownloadOptions()
    target = target_of(file, context)
    with folder_lock(target, context.cache, waiting=context.note):
        if _is_there(file, target, context):
            tidy(target)
            return Fetched(path=target, source=str(Text("already downloaded")))
        check_folder(target)
        try:
            if (copy := _copy_to_use(file, target, context, options)) is not None:
                return Fetched(path=target, reused_from=copy, source=str(Text("a copy on this PC")))
            return Transfer(file, target, context, options).run()
        except OSError as error:
            raise problems.disk_problem(error, target, kept=_kept(target), size=file.size) from error


def _copy_to_use(file: FetchFile, target: Path, context: Context, options: DownloadOptions) -> Path | None:
    """Put a copy from this computer in place. Returns where it came from, None without one."""
    copy = options.copy
    if copy is None and options.look_for_copies and file.size >= options.smallest_copy:
        copy = reuse.proven_copy(file, target, context)
    try:
        if copy is None or not reuse.place_copy(copy, target, sha256=file.sha256, context=context):
            return None
    except OSError as error:
        # Unreadable, or no room for a second one: the download finds out which, and says so.
        _log.warning("the copy %s could not be used: %s", copy, error)
        return None
    tidy(target)
    return copy


def _kept(target: Path) -> int:
    try:
        return target.with_name(target.name + ".part").stat().st_size
    except OSError:
        return 0


def _is_there(file: FetchFile, target: Path, context: Context) -> bool:
    try:
        if not target.is_file() or target.stat().st_size != file.size:
            return False
        return sha256_of(target, context) == file.sha256
    except OSError as error:
        _log.warning("the existing %s cannot be read: %s", target, error)
        return False
