"""From a log to its cause: the last real one, in plain words, with the way out.

The kinds of failures weigh differently: a `symptom` ("the model could not be loaded") says only
that something earlier went wrong, a `general` line may stand beside a better one. So the best kind
that is in the log counts, of that kind the last place where something happened, and there the
most specific failure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sdsetup.command import Command
from sdsetup.decide.facts import Family, Vendor
from sdsetup.decide.findings import Cure
from sdsetup.decide.profiles.failures import Failure, Kind
from sdsetup.text import Text

# Lines we add to the logs we keep begin with this; patterns may ask for them.
OURS = "[sdsetup]"

_WEIGHT: dict[Kind, int] = {"cause": 0, "general": 1, "symptom": 2}
_INCIDENT = 60  # lines: one traceback, or pip's report of one failed build
_EVIDENCE = 240  # letters of the line that is shown
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LONGEST_LINE = 4_000  # letters; what is longer is no message


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is known about where the log was made; sentences and conditions use it. Unknown is None."""

    dir: str = "."
    python: str = "python"  # the environment's interpreter
    family: Family | None = None
    vendors: tuple[Vendor, ...] | None = None  # of all cards; empty: none


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """`evidence` is the line of the log that says so, `line` its number from 1."""

    id: str
    kind: Kind
    topic: str
    title: Text
    cause: Text
    cure: Cure
    evidence: str
    line: int
    sources: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other failures found in the same log

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "topic": self.topic,
            "title": str(self.title),
            "cause": str(self.cause),
            "fix": {"text": str(self.cure.text), "command": self.cure.command},
            "act": self.cure.act,
            "evidence": self.evidence,
            "line": self.line,
        }


@dataclass(frozen=True, kw_only=True)
class _Found:
    failure: Failure
    start: int
    line: int
    groups: dict[str, str] = field(default_factory=dict)


def diagnose_log(
    log: str | Iterable[str], failures: Sequence[Failure], *, scene: Scene | None = None
) -> Diagnosis | None:
    """The last real cause in a log, None where nothing known is in it.

    A log of 5 MB takes about a second.
    """
    scene = scene or Scene()
    text = _text(log)
    found = [one for one in _search(text, failures, scene) if one.failure.kind in _WEIGHT]
    if not found:
        return None
    best = min(_WEIGHT[one.failure.kind] for one in found)
    strong = [one for one in found if _WEIGHT[one.failure.kind] == best]
    last = max(one.line for one in strong)
    chosen = min(
        (one for one in strong if last - one.line <= _INCIDENT), key=lambda one: (one.failure.rank, -one.start)
    )
    others = {one.failure.id for one in found} - {chosen.failure.id}
    return _diagnosis(chosen, text, scene, tuple(sorted(others)))


def notes_in(
    log: str | Iterable[str], failures: Sequence[Failure], *, scene: Scene | None = None
) -> tuple[Diagnosis, ...]:
    """What is worth knowing although the web UI runs, in the order of the log."""
    scene = scene or Scene()
    text = _text(log)
    notes = sorted(
        _search(text, [one for one in failures if one.kind == "note"], scene), key=lambda one: one.start
    )
    return tuple(_diagnosis(one, text, scene, ()) for one in notes)


def spot(lines: Sequence[str], failures: Sequence[Failure]) -> Diagnosis | None:
    """A picture that failed for want of memory or precision, in the lines that have just come."""
    curable = [one for one in failures if one.act in ("less-memory", "more-precision") and one.kind == "cause"]
    return diagnose_log(lines, curable) if lines else None


def _text(log: str | Iterable[str]) -> str:
    text = log if isinstance(log, str) else "\n".join(log)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    if len(text) > _LONGEST_LINE:
        text = "\n".join(line[:_LONGEST_LINE] for line in text.split("\n"))
    return text


def _search(text: str, failures: Sequence[Failure], scene: Scene) -> list[_Found]:
    """The last match of each failure whose conditions fit."""
    line_ends = [match.start() for match in re.finditer("\n", text)]
    found = []
    for failure in failures:
        if not _fits(failure, scene):
            continue
        matches = [match for pattern in failure.patterns if (match := _last(pattern, text)) is not None]
        if matches:
            last = max(matches, key=lambda match: match.start())
            groups = {name: value for name, value in last.groupdict().items() if value is not None}
            found.append(
                _Found(
                    failure=failure,
                    start=last.start(),
                    line=bisect_right(line_ends, last.start() - 1) + 1,
                    groups=groups,
                )
            )
    return found


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    needle = needle_of(pattern.pattern)
    if needle and needle not in text:  # a hundred times faster than the pattern itself
        return None
    last = None
    for last in pattern.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    return last


def _fits(failure: Failure, scene: Scene) -> bool:
    when = failure.when
    if when.families and scene.family not in when.families:
        return False
    if not when.vendors:
        return True
    # With cards of several makers it is not known which one the log speaks of.
    return scene.vendors is not None and set(scene.vendors or ("none",)) <= set(when.vendors)


def _diagnosis(found: _Found, text: str, scene: Scene, also: tuple[str, ...]) -> Diagnosis:
    failure = found.failure
    values = {"dir": scene.dir, "python": scene.python, **found.groups}
    end = text.find("\n", found.start)
    line = text[text.rfind("\n", 0, found.start) + 1 : None if end < 0 else end].strip()
    return Diagnosis(
        id=failure.id,
        kind=failure.kind,
        topic=failure.topic,
        title=Text(failure.title),
        cause=Text(failure.cause, **values),
        cure=Cure(
            text=Text(failure.cure, **values),
            command=None if failure.command is None else Command.filled(failure.command, scene.family, **values),
            act=failure.act,
        ),
        evidence=line if len(line) <= _EVIDENCE else line[: _EVIDENCE - 1] + "…",
        line=found.line,
        sources=failure.sources,
        also=also,
    )


def needle_of(pattern: str) -> str:
    """The longest plain text that every match of a regular expression must contain; "" where none is sure."""
    runs: list[str] = [""]
    depth, at = 0, 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            plain = at + 1 < len(pattern) and not pattern[at + 1].isalnum()
            token, step = (pattern[at + 1], 2) if plain else ("", 2)
        elif letter == "[":
            token, step = "", _class_end(pattern, at) - at
        elif letter in "().^$|?*+{}":
            if letter == "|" and depth == 0:
                return ""
            if letter in "?*{" and depth == 0 and runs[-1]:
                runs[-1] = runs[-1][:-1]  # what it applies to may be absent
            depth += {"(": 1, ")": -1}.get(letter, 0)
            step = pattern.index("}", at) - at + 1 if letter == "{" else 1
            token = ""
        else:
            token, step = letter, 1
        if depth == 0 and token:
            runs[-1] += token
        elif runs[-1]:
            runs.append("")
        at += step
    return "" if "(?" in pattern and re.search(r"\(\?[a-zA-Z]+\)", pattern) else max(runs, key=len)


def _class_end(pattern: str, at: int) -> int:
    end = at + 1
    if pattern[end : end + 1] == "^":
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1
