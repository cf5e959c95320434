"""From what was found in a log to what it says: which incident counts, and which failure in it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sdsetup.catalog.failures import Condition, Failure, FailureBook, Kind
from sdsetup.decide.diagnosis.blocks import Block, blocks_of, error_line, extension_in, message_after
from sdsetup.decide.diagnosis.log import Log, bare
from sdsetup.decide.diagnosis.log_facts import LogFacts, Version
from sdsetup.decide.diagnosis.values import LogOrigin
from sdsetup.text import Text

# Inside one incident: what names the reason before what may be it, before where it happened.
_WEIGHT: dict[Kind, int] = {"cause": 0, "general": 1, "where": 2, "symptom": 3}
_LOOSE = 3  # lines: single lines of error that stand as close as this are one incident
_TRACEBACK_LINES = 60  # of a traceback at most, with its heading
_NEAR = 60  # lines: an error without a known reason that follows another within these comes from it
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A failure's pattern in a line (index)."""

    failure: Failure
    line: int
    at: int = 0  # where in the line without its margin
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A block in which something went wrong. `found` may be empty: then nothing known did."""

    block: Block
    found: tuple[Found, ...] = ()
    extension: str | Text | None = None

    @property
    def best(self) -> Found | None:
        """What names the reason best: by kind, then the more specific, then where it was said first."""
        return min(self.found, key=lambda one: (_weight(one), one.failure.rank, one.line), default=None)

    @property
    def kind(self) -> Kind | None:
        return self.best.failure.kind if self.best else None

    @property
    def aside(self) -> bool:
        """The web UI goes on without it."""
        return self.block.extension and not self.block.request


def _weight(found: Found) -> float:
    """A missing module says more than where it was missing, and less than why."""
    named = found.failure.kind == "symptom" and "module" in found.groups
    return _WEIGHT["where"] - 0.5 if named else _WEIGHT[found.failure.kind]


def incidents_of(log: Log, facts: LogFacts, book: FailureBook, origin: LogOrigin) -> tuple[Incident, ...]:
    """Everything that went wrong in the last start, in order."""
    quiet = _quiet(log, book)
    found = [
        Found(
            failure=failure,
            line=line,
            at=match.start(),
            groups={k: v for k, v in match.groupdict().items() if v is not None},
        )
        for failure in book.failures
        if failure.kind in _WEIGHT
        for pattern in failure.patterns
        for line, match in log.matches(pattern)
        if line >= facts.begins and line not in quiet
    ]
    found.sort(key=lambda one: one.line)
    incidents: list[Incident] = []
    at = 0
    for block in blocks_of(log, facts.begins):
        inside = []
        while at < len(found) and found[at].line < block.ends:
            inside.append(found[at])
            at += 1
        if not inside and not block.error:
            continue
        whose = extension_in(log, block.begins, block.ends) if block.error else None
        fits = [one for one in inside if _fits(one.failure.when, facts, origin, extension=whose is not None)]
        fits = _in_company(fits, log, block)
        if block.error:
            if fits or error_line(log, block.begins, block.ends) not in quiet:
                incidents.append(Incident(block=block, found=tuple(fits), extension=whose))
        else:
            incidents += [_loose(block, near) for near in _near_each_other(fits)]
    return tuple(incidents)


def _quiet(log: Log, book: FailureBook) -> set[int]:
    """Lines that are never a cause: single ones, and tracebacks from their heading to their message."""
    quiet = {line for pattern in book.harmless for line, _ in log.matches(pattern)}
    for pattern in book.harmless_tracebacks:
        for line, _ in log.matches(pattern):
            ends = message_after(log, line + 1, line + _TRACEBACK_LINES)
            quiet |= set(range(line, (ends or line) + 1))
    return quiet


def _in_company(found: Sequence[Found], log: Log, block: Block) -> list[Found]:
    """Without the failures that need something else in the same incident, where that is missing."""
    wanted = {one.failure.id: one.failure.beside for one in found if one.failure.beside}
    lines = [bare(line) for line in log.told[block.begins : block.ends]] if wanted else []
    alone = {
        id
        for id, patterns in wanted.items()
        if not any(pattern.search(line) for pattern in patterns for line in lines)
    }
    return [one for one in found if one.failure.id not in alone]


def _near_each_other(found: Sequence[Found]) -> list[list[Found]]:
    groups: list[list[Found]] = []
    for one in found:
        if groups and one.line - groups[-1][-1].line <= _LOOSE:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _loose(block: Block, found: Sequence[Found]) -> Incident:
    begins, ends = found[0].line, found[-1].line + 1
    return Incident(block=Block(begins=begins, ends=ends, extension=block.extension), found=tuple(found))


def _fits(when: Condition, facts: LogFacts, origin: LogOrigin, *, extension: bool) -> bool:
    """An unknown fact does not fit: a wrong hint is worse than none. The log's own word comes first."""
    if when.families and (facts.family or origin.family) not in when.families:
        return False
    if when.vendors:
        vendors = (facts.vendor,) if facts.vendor else origin.vendors
        # With cards of several makers it is not known which one the log speaks of.
        if vendors is None or not set(vendors or ("none",)) <= set(when.vendors):
            return False
    if when.extension is not None and when.extension != extension:
        return False
    if when.flags and not any(flag in facts.flags for flag in when.flags):
        return False
    if when.without_flags and (not facts.marks or any(flag in facts.flags for flag in when.without_flags)):
        return False
    return (
        _version_fits(when.python, facts.python)
        and _version_fits(when.webui, facts.webui)
        and _version_fits(when.torch, facts.torch)
    )


def _version_fits(wanted: Sequence[str], version: Version | None) -> bool:
    if not wanted:
        return True
    if version is None:
        return False
    for text in wanted:
        sign = text.rstrip("0123456789.")
        number = text.removeprefix(sign)
        parts = tuple(int(part) for part in number.split("."))
        if not _COMPARE[sign](version[: len(parts)], parts):
            return False
    return True


def outlived(incident: Incident, log: Log, facts: LogFacts) -> bool:
    """The log itself goes on to show that an incident was no obstacle: a later step began that needs what had
    failed, the second way worked, or a later image was finished."""
    end = incident.block.ends - 1
    if incident.best is not None and incident.best.failure.kind == "note":
        return True
    stage = facts.stage_at(incident.block.begins + 1)
    # The bar of a whole job ("Total progress") is no proof: it may be drawn after the error that ended it.
    if facts.last("picture") > end:
        return True
    if any(one.failure.lasting for one in incident.found):
        return False
    page = facts.last("ready") > end or facts.last("url") > end
    if _about_model(incident, log) or (_topic(incident) == "model" and not incident.aside):
        return facts.last("loaded") > end
    if incident.aside:
        return page and facts.last("loaded") >= 0 and not _failed_later(facts)
    if incident.block.request:
        return False
    if stage == "running" and not incident.block.error and _topic(incident) == "network":
        return not _failed_later(facts)  # a line of an extension, for instance: the web UI itself needs none
    if stage == "preparing":
        return facts.last("launch") > end or page or (not incident.block.error and facts.last("action") > end)
    if stage == "importing":
        return page
    if stage == "loading":
        return facts.last("loaded") > end
    return False


def _about_model(incident: Incident, log: Log) -> bool:
    heading = bare(log.lines[incident.block.begins])
    return heading.startswith(("loading stable diffusion model", "creating model quickly", "changing setting"))


def _topic(incident: Incident) -> str | None:
    return incident.best.failure.topic if incident.best else None


def _failed_later(facts: LogFacts) -> bool:
    return facts.crash is not None or bool(facts.code)


def chosen(incidents: Sequence[Incident], log: Log, facts: LogFacts) -> tuple[Incident, Found] | None:
    """The incident that counts, and the failure in it; None when the last word is nothing that is known.

    The last one, but for what only follows from an earlier one; what an extension could not do gives way
    to what stopped the web UI itself.
    """
    core = [one for one in incidents if not one.aside]
    if (found := _last_reason(core, log)) is not None:
        return found
    # An unknown error of the web UI itself is not explained by an extension that it did without.
    if core and (core[-1] is incidents[-1] or not facts.works or facts.code):
        return None
    return _last_reason(incidents, log)


def _explains(incident: Incident, symptom: Found, log: Log) -> bool:
    """A module that is missing is explained only by what speaks of it."""
    module = symptom.groups.get("module")
    return module is None or any(module in line for line in log.lines[incident.block.begins : incident.block.ends])


def _follows(unknown: Incident, known: Incident) -> bool:
    """Whether an error without a known reason comes from an earlier one: right after it, or the next image."""
    both = unknown.block.request and known.block.request
    return both or unknown.block.begins - known.block.ends <= _NEAR


def _last_reason(incidents: Sequence[Incident], log: Log) -> tuple[Incident, Found] | None:
    """From the end to the beginning: past symptoms, and past unknown errors that closely follow a known one."""
    symptom: tuple[Incident, Found] | None = None
    vague: tuple[Incident, Found] | None = None
    unknown: Incident | None = None
    for incident in reversed(incidents):
        best = incident.best
        if best is None:
            unknown = unknown or (incident if symptom is None and vague is None else None)
            continue
        if unknown is not None and not _follows(unknown, incident):
            return vague or symptom
        if best.failure.kind == "symptom":
            symptom = symptom or (incident, best)
            continue
        if symptom is not None and not _explains(incident, symptom[1], log):
            continue
        if vague is not None and (best.failure.kind != "cause" or best.failure.topic != vague[1].failure.topic):
            continue
        if best.failure.kind in ("general", "where"):
            vague = incident, best
            continue
        return incident, best
    return vague or symptom
