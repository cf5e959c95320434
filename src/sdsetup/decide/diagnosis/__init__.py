"""From a log to its cause: the last one that the log itself does not contradict, in plain words, with its fix.

`read_log` tells four things apart: something failed and is known; nothing is wrong; it is another program's
log; or nothing here is known, and then nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.diagnosis.blocks import last_words
from sdsetup.decide.diagnosis.judging import Found, Incident, chosen, incidents_of, outlived
from sdsetup.decide.diagnosis.log import Log
from sdsetup.decide.diagnosis.log_facts import LogFacts, crash_markers, facts_of
from sdsetup.decide.diagnosis.programs import foreign_program
from sdsetup.decide.diagnosis.values import Diagnosis, LogOrigin, Reading, State
from sdsetup.decide.diagnosis.windows_words import windows_markers
from sdsetup.decide.diagnosis.wording import state_of, worded
from sdsetup.text import Text

__all__ = ["OURS", "Diagnosis", "LogOrigin", "Reading", "State", "diagnose_log", "notes_in", "read_log", "spot"]

# Lines we add to the logs we keep begin with this; patterns may ask for them.
OURS = "[sdsetup]"

_LIVE_LINES = 200  # what a running web UI said last: enough for the traceback that a line belongs to


def read_log(log: str | Iterable[str], book: FailureBook, *, origin: LogOrigin | None = None) -> Reading:
    """What a whole log says. 5 MB take less than a second."""
    origin = origin or LogOrigin()
    read, facts = _prepared(log, book)
    if (program := foreign_program(read, book)) is not None:
        return Reading(state="foreign", notes=(state_of("foreign", book, origin, program=program),))
    incidents = incidents_of(read, facts, book, origin)
    lasting = [one for one in incidents if not outlived(one, read, facts)]
    notes = _notes(read, facts, book, origin)
    if (found := chosen(lasting, read, facts)) is not None:
        likely = _as_likely(*found)
        beside = tuple(worded(one, found[0], read, facts, book, origin) for one in likely)
        also = _titles(lasting, besides=found[0], told=[found[1], *likely])
        diagnosis = worded(found[1], found[0], read, facts, book, origin, also=also)
        return Reading(state="failed", diagnosis=diagnosis, notes=(*beside, *notes))
    unknown = [one for one in lasting if one.best is None]
    if not unknown and facts.works and not facts.code and facts.crash in (None, "stopped"):
        aside = tuple(
            worded(one.best, one, read, facts, book, origin)
            for one in incidents
            if one.best is not None and (one.aside or one.best.failure.kind in ("cause", "general"))
        )
        return Reading(state="healthy", notes=(state_of("healthy", book, origin), *notes, *aside))
    words = _last_error(read, facts, unknown)
    return Reading(
        state="unknown",
        notes=(state_of("unknown", book, origin, log=read, words=words), *notes),
        last_words=tuple(text for _, text in words),
    )


def diagnose_log(
    log: str | Iterable[str], book: FailureBook, *, origin: LogOrigin | None = None
) -> Diagnosis | None:
    """The cause that a log names; None where nothing known is in it, or nothing is wrong."""
    return read_log(log, book, origin=origin).diagnosis


def notes_in(
    log: str | Iterable[str], book: FailureBook, *, origin: LogOrigin | None = None
) -> tuple[Diagnosis, ...]:
    """What is worth knowing although the web UI runs, in the order of the log."""
    read, facts = _prepared(log, book)
    return _notes(read, facts, book, origin or LogOrigin())


def spot(lines: Sequence[str], book: FailureBook, *, origin: LogOrigin | None = None) -> Diagnosis | None:
    """What the newest line of a running web UI says went wrong; `lines`: the last ones, the newest at the end."""
    if not lines:
        return None
    origin = origin or LogOrigin()
    newest = Log(lines[-1:])
    newest.add(windows_markers(newest, book.messages))
    named = [
        (failure, match)
        for failure in book.failures
        if failure.kind == "cause"
        for pattern in failure.patterns
        for _, match in newest.matches(pattern)
    ]
    if not named or any(newest.matches(pattern) for pattern in book.harmless):
        return None
    read, facts = _prepared(lines[-_LIVE_LINES:], book)
    incidents = incidents_of(read, facts, book, origin)
    last = len(read.lines) - 1
    found = [(one, incident) for incident in incidents for one in incident.found if one.line == last]
    best = min(found, key=lambda pair: pair[0].failure.rank, default=None)
    if best is None or best[0].failure.kind != "cause":
        return None
    return worded(best[0], best[1], read, facts, book, origin)


def _titles(incidents: Iterable[Incident], *, besides: Incident, told: Iterable[Found]) -> tuple[Text, ...]:
    """What else went wrong in the log, by its titles: the causes of other incidents."""
    known = {one.failure.title for one in told}
    causes = [one.best.failure for one in incidents if one is not besides and one.best is not None]
    others = {failure.title: failure for failure in causes if failure.kind == "cause"}
    return tuple(Text(failure.title) for title, failure in others.items() if title not in known)


def _as_likely(incident: Incident, chosen: Found) -> tuple[Found, ...]:
    """Other causes close to the chosen one, which nothing shows to have come of it: in single lines all of them,
    behind a traceback those that came later and are about something else."""
    others: dict[str, Found] = {}
    causes = sorted(
        (one for one in incident.found if one.failure.kind == "cause"), key=lambda one: one.failure.rank
    )
    first_on: dict[int, Found] = {}  # of several in one line the more specific
    for one in causes:
        first_on.setdefault(one.line, one)
    for one in sorted(first_on.values(), key=lambda one: one.line):
        if one.line == chosen.line or one.failure.id == chosen.failure.id:
            continue
        later = one.line > chosen.line and one.failure.topic != chosen.failure.topic
        if later or not incident.block.error:
            others.setdefault(one.failure.id, one)
    return tuple(others.values())


def _prepared(log: str | Iterable[str], book: FailureBook) -> tuple[Log, LogFacts]:
    read = Log(log)
    read.add(windows_markers(read, book.messages))
    facts = facts_of(read, book.signals)
    read.add(crash_markers(facts))
    return read, facts


def _notes(read: Log, facts: LogFacts, book: FailureBook, origin: LogOrigin) -> tuple[Diagnosis, ...]:
    found = []
    for failure in book.failures:
        if failure.kind == "note":
            lines = [
                (line, match)
                for pattern in failure.patterns
                for line, match in read.matches(pattern)
                if line >= facts.begins
            ]
            if lines:
                line, match = max(lines, key=lambda pair: pair[0])
                groups = {name: value for name, value in match.groupdict().items() if value is not None}
                found.append(Found(failure=failure, line=line, groups=groups))
    return tuple(worded(one, None, read, facts, book, origin) for one in sorted(found, key=lambda one: one.line))


def _last_error(read: Log, facts: LogFacts, unknown: Sequence[Incident]) -> list[tuple[int, str]]:
    """The lines that a helper wants to see, with their indices: the last error's, else the last ones."""
    if unknown:
        block = unknown[-1].block
        return last_words(read, block.begins, block.ends)
    return last_words(read, facts.begins, len(read.lines))
