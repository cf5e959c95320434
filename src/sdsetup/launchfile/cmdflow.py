"""The ways through a .bat up to the web UI's start, and what lies on every one of them.

A statement is certain when no way to a start goes around it. So a line that leaves the file early, a loop
around the start and a menu behind the settings change nothing, and a jump over a line does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from sdsetup.launchfile.cmdlines import Statement, commands
from sdsetup.launchfile.cmdwords import REFERENCE

_GOTO = re.compile(r"\bgoto(?:\s*:\s*|\s+)([^\s&|()<>]+)", re.IGNORECASE)
_CALL = re.compile(r"\bcall\s+:\s*([^\s&|()<>]+)", re.IGNORECASE)
_LABEL = re.compile(r"[\s@;,=]*:\s*([^\s:&|()<>]+)")
_END_OF_FILE = "eof"

Ways = Sequence[frozenset[int]]


def statements(content: bytes, encoding: str | None) -> list[Statement]:
    """All statements of the file in order. `encoding`: of the console's code page, None when unknown."""
    return _with_flow(commands(content, encoding))


def _with_flow(found: list[Statement]) -> list[Statement]:
    ways = _ways(found)
    starts = frozenset(place for place, one in enumerate(found) if one.kind == "start") or {len(found)}
    first = _from(0, ways)
    if not first & starts:
        # Nothing that is understood leads to the start: nothing is certain then.
        return [replace(one, certain=False, reached=True) for one in found]
    forward = [frozenset(to for to in tos if to > place) for place, tos in enumerate(ways)]
    in_order = bool(_from(0, forward) & starts)
    back = _reaching(starts, ways)
    undone = max(
        (at for at, one in enumerate(found) if one.kind == "undo" and at in first and at in back), default=-1
    )
    marked = []
    for place, one in enumerate(found):
        reached = place in first and place in back
        certain = reached and in_order and place > undone and not one.conditional
        # Only what sets or prepares something is asked about.
        if certain and one.kind not in ("blank", "comment", "label"):
            certain = not _from(0, ways, without=place) & starts
        marked.append(replace(one, certain=certain, reached=reached))
    return marked


def _ways(found: Sequence[Statement]) -> Ways:
    """For each statement those that may come next; its end is the number behind the last one."""
    labels = {_label(one): place for place, one in reversed(list(enumerate(found))) if one.kind == "label"}
    calls = [
        (labels[name], place + 1)
        for place, one in enumerate(found)
        if one.kind in ("jump", "start", "other")
        for name in _names(_CALL, one)
        if name in labels
    ]
    ways = []
    for place, one in enumerate(found):
        to: set[int] = set()
        if one.kind == "start":
            pass  # what comes after it is for another start
        elif one.kind == "jump":
            gotos, called = _names(_GOTO, one), _names(_CALL, one)
            computed = any(REFERENCE in name for name in (*gotos, *called))
            to |= set(labels.values()) if computed else {labels[n] for n in (*gotos, *called) if n in labels}
            if called:
                to.add(place + 1)
            leaves = (not gotos and not called) or _END_OF_FILE in gotos
            if leaves:
                to |= {back for label, back in calls if label < place}
        else:
            to.add(place + 1)
        if one.conditional:
            to.add(place + 1)
        ways.append(frozenset(to))
    # A subroutine may end with the file.
    ways.append(frozenset(back for _, back in calls))
    return ways


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
