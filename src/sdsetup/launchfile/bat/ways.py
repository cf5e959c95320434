"""The ways through a .bat up to the web UI's start, and what lies on every one of them.

A statement is certain when no way to a start goes around it. So a line that leaves the file early, a loop
around the start and a menu behind the settings change nothing, and a jump over a line does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sdsetup.launchfile.bat.letters import REFERENCE
from sdsetup.launchfile.bat.statements import Statement, commands

_GOTO = re.compile(r"\bgoto(?:\s*:\s*|\s+)([^\s&|()<>]+)", re.IGNORECASE)
_CALL = re.compile(r"\bcall\s+:\s*([^\s&|()<>]+)", re.IGNORECASE)
_LABEL = re.compile(r"[\s@;,=]*:\s*([^\s:&|()<>]+)")
_END_OF_FILE = "eof"

# Statement n is left out or run: node n is the place before it, node END + 1 + n its running.
Ways = Sequence[frozenset[int]]


def statements(content: bytes, encoding: str | None) -> list[Statement]:
    """All statements of the file in order. `encoding`: of the console's code page, None when unknown."""
    return _with_flow(commands(content, encoding))


def _with_flow(found: list[Statement]) -> list[Statement]:
    end = len(found)
    ways = _ways(found)
    starts = frozenset(_running(place, end) for place, one in enumerate(found) if one.kind == "start") or {end}
    first = _from(0, ways)
    if not first & starts:
        # Nothing that is understood leads to the start: nothing is certain then.
        return [replace(one, certain=False, reached=True) for one in found]
    forward = [frozenset(to for to in tos if to % (end + 1) >= at % (end + 1)) for at, tos in enumerate(ways)]
    in_order = bool(_from(0, forward) & starts)
    on_the_way = first & _reaching(starts, ways)
    undone = max((at for at, one in enumerate(found) if one.kind == "undo" and at in on_the_way), default=-1)
    marked = []
    for place, one in enumerate(found):
        running = _running(place, end)
        reached = running in on_the_way
        certain = reached and in_order and place > undone
        # Only what sets or prepares something is asked about.
        if certain and one.kind not in ("blank", "comment", "label"):
            certain = not _from(0, ways, without=running) & starts
        marked.append(replace(one, certain=certain, reached=reached))
    return marked


def _running(place: int, end: int) -> int:
    return end + 1 + place


def _ways(found: Sequence[Statement]) -> Ways:
    """For each node those that may come next; END is the number of statements."""
    labels = {_label(one): place for place, one in reversed(list(enumerate(found))) if one.kind == "label"}
    calls = [
        (labels[name], place + 1)
        for place, one in enumerate(found)
        if one.kind == "jump"
        for name in _names(_CALL, one)
        if name in labels
    ]
    end = len(found)
    before = [
        frozenset({_running(place, end)} | ({_behind(place, found)} if one.conditional else set()))
        for place, one in enumerate(found)
    ]
    # A subroutine may end with the file.
    at_end = frozenset(back for _, back in calls)
    return [*before, at_end, *(_after(place, one, labels, calls) for place, one in enumerate(found))]


def _behind(place: int, found: Sequence[Statement]) -> int:
    """Where it goes on when this statement is left out: `a && b && c` leaves out c with b."""
    after = place + 1
    if found[place].lead.strip() == "&&":
        while after < len(found) and found[after].part > 0 and found[after].lead.strip() == "&&":
            after += 1
    return after


def _after(
    place: int, one: Statement, labels: Mapping[str, int], calls: Sequence[tuple[int, int]]
) -> frozenset[int]:
    """What may come after this statement ran."""
    if one.kind == "start":
        return frozenset()  # what comes then is for another start
    if one.kind != "jump":
        return frozenset({place + 1})
    gotos, called = _names(_GOTO, one), _names(_CALL, one)
    named = [*gotos, *called]
    if any(REFERENCE in name for name in named):
        to = set(labels.values())
    else:
        to = {labels[name] for name in named if name in labels}
    if called:
        to.add(place + 1)
    if not named or _END_OF_FILE in gotos:  # it leaves the file, or the subroutine
        to |= {back for label, back in calls if label < place}
    return frozenset(to)


def _label(one: Statement) -> str:
    named = _LABEL.match(one.text)
    return named[1].lower() if named else ""


def _names(pattern: re.Pattern[str], one: Statement) -> list[str]:
    return [name.lower() for name in pattern.findall(one.text)]


def _from(start: int, ways: Ways, *, without: int | None = None) -> set[int]:
    """All that can come after `start`, itself included, on ways that leave out `without`."""
    seen: set[int] = set()
    todo = [start] if start != without else []
    while todo:
        place = todo.pop()
        if place not in seen:
            seen.add(place)
            todo += [to for to in ways[place] if to != without] if place < len(ways) else []
    return seen


def _reaching(goals: Collection[int], ways: Ways) -> set[int]:
    """All from which one of `goals` can be reached."""
    before: dict[int, list[int]] = {}
    for place, tos in enumerate(ways):
        for to in tos:
            before.setdefault(to, []).append(place)
    seen: set[int] = set()
    todo = list(goals)
    while todo:
        place = todo.pop()
        if place not in seen:
            seen.add(place)
            todo += before.get(place, [])
    return seen
