"""Two tunings side by side: what differs, and what each says for itself."""

from __future__ import annotations

from dataclasses import dataclass

from sdsetup.values.flags import Flag
from sdsetup.values.tuning import Reason, Tuning


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
