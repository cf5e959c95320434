"""Why a setting was chosen: what set it, for what reason, what would change without it. Two tunings compared."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sdsetup.catalog.flags import KnownFlags, Setting
from sdsetup.errors import UsageError
from sdsetup.text import Text, one_of
from sdsetup.values.flags import Flag, names_of
from sdsetup.values.tuning import Reason, Tuning

SetBy = Literal["rule", "seen-here", "left-out", "person", "nobody"]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """`value`: what it is set to ("" for a flag without one), None when it is not set. `meaning`: what the
    setting does. `changes`: every setting that would differ if the rule behind it did not exist."""

    setting: str
    value: str | None
    set_by: SetBy
    reason: Reason | None
    meaning: Setting | None
    changes: tuple[Difference, ...]


def explain(
    asked: str, tuning: Tuning, known: KnownFlags, without: Callable[[str], Tuning], own: Sequence[str] = ()
) -> Explanation:
    """Explain a setting. `without` tunes again with one rule left out; `own` are the user's flags in the launch
    file.

    Raises:
        UsageError: `setting-unknown`.
    """
    name = setting_named(asked, tuning, known, own)
    reason = reason_for(tuning, name) or _decided_otherwise(name, tuning, known)
    value = _value(name, tuning)
    theirs = [flag for flag in own if Flag.parse(flag).name == name]
    set_by: SetBy = "nobody"
    if value is not None:
        set_by = "seen-here" if reason is not None and reason.rule == "seen-here" else "rule"
    elif theirs:
        set_by, value = "person", theirs[0].partition(" ")[2]
    elif reason is not None:
        set_by = "left-out"
    changes: tuple[Difference, ...] = ()
    if set_by == "rule" and reason is not None and name != "torch":
        changes = compare(tuning, without(reason.rule))
    return Explanation(
        setting=name, value=value, set_by=set_by, reason=reason, meaning=known.of(name), changes=changes
    )


def setting_named(asked: str, tuning: Tuning, known: KnownFlags, own: Sequence[str] = ()) -> str:
    """The setting that is meant: "xformers" is --xformers, letter case does not matter.

    Raises:
        UsageError: `setting-unknown`, with what is nearest.
    """
    names = dict.fromkeys(names_of(known.settings))
    names |= dict.fromkeys(names_of((*tuning.flags, *own)))
    names |= {**dict.fromkeys(dict(tuning.env)), "torch": None}
    plain = {_plain(name): name for name in names}
    found = plain.get(_plain(asked.split("=", 1)[0].split(" ", 1)[0]))
    if found is not None:
        return found
    near = difflib.get_close_matches(_plain(asked), plain, n=2, cutoff=0.6)
    raise UsageError(
        Text("Unknown setting: {asked}", asked=asked),
        code="setting-unknown",
        hint=Text("Did you mean {names}?", names=one_of([plain[name] for name in near]))
        if near
        else Text("Use a flag, an environment variable, or torch. Example: sdsetup why --xformers"),
    )


def _decided_otherwise(name: str, tuning: Tuning, known: KnownFlags) -> Reason | None:
    """Why another flag stands in its place."""
    for flag in tuning.flags:
        if known.exclude(name, flag) and (reason := reason_for(tuning, flag)) is not None:
            return reason
    return None


def _plain(name: str) -> str:
    return name.lower().lstrip("-").replace("_", "-")


def _value(name: str, tuning: Tuning) -> str | None:
    for flag in map(Flag.parse, tuning.flags):
        if flag.name == name:
            return " ".join(flag.values)
    if name == "torch":
        return tuning.torch.torch if tuning.torch else None
    return dict(tuning.env).get(name)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One setting that the two do not share. A value is None where the setting is not made; an empty value
    is a flag without one. The reasons are those for making it, or for leaving it out on purpose."""

    setting: str
    mine: str | None
    theirs: str | None
    my_reason: Reason | None
    their_reason: Reason | None


def compare(mine: Tuning, theirs: Tuning) -> tuple[Difference, ...]:
    """Every setting on which the two disagree: flags first, then variables, then torch."""
    ours, other = _settings(mine), _settings(theirs)
    names = list(dict.fromkeys([*ours, *other]))
    return tuple(
        Difference(
            setting=name,
            mine=ours.get(name),
            theirs=other.get(name),
            my_reason=reason_for(mine, name) or _instead(mine, reason_for(theirs, name)),
            their_reason=reason_for(theirs, name) or _instead(theirs, reason_for(mine, name)),
        )
        for name in names
        if ours.get(name) != other.get(name)
    )


def reason_for(tuning: Tuning, setting: str) -> Reason | None:
    """Why a setting is made or left out; None when no rule speaks of it."""
    for reason in (*tuning.reasons, *tuning.omitted):
        if setting in (reason.setting, Flag.parse(reason.setting).name):
            return reason
    return None


def _instead(tuning: Tuning, other: Reason | None) -> Reason | None:
    """What a tuning does about the question that the other one's rule decides."""
    if other is None or other.decides is None:
        return None
    reasons = (*tuning.reasons, *tuning.omitted)
    return next((reason for reason in reasons if reason.decides == other.decides), None)


def _settings(tuning: Tuning) -> dict[str, str]:
    """Flag or variable -> value."""
    flags = {}
    for flag in tuning.flags:
        name, _space, value = flag.partition(" ")
        flags[name] = value
    torch = {"torch": tuning.torch.torch} if tuning.torch is not None else {}
    return {**flags, **dict(tuning.env), **torch}
