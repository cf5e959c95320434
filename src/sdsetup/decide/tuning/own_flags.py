"""A person's own flags beside ours: they stay, and what they make of ours is said."""

from __future__ import annotations

from collections.abc import Sequence

from sdsetup.decide.profiles.flags import Known
from sdsetup.decide.tuning.values import Tuning, Warning
from sdsetup.text import Text


def own_flags(in_file: Sequence[str], tuning: Tuning, recorded: Sequence[str]) -> tuple[str, ...]:
    """The flags of a launch file that neither this tuning nor an earlier one of ours set."""
    ours = {flag.split(" ", 1)[0] for flag in (*tuning.flags, *recorded)}
    return tuple(flag for flag in in_file if flag.split(" ", 1)[0] not in ours)


def clashes(own: Sequence[str], tuning: Tuning, known: Known) -> tuple[Warning, ...]:
    """One warning for each of the person's flags that works against one of ours."""
    return tuple(
        Warning(
            topic="own-flags",
            text=Text(
                "Your launch file has {own} of your own, which works against {ours}; yours stays. "
                "Take it out of the file to follow this advice",
                own=flag,
                ours=" and ".join(against),
            ),
        )
        for flag in own
        if (against := [ours for ours in tuning.flags if known.exclude(flag, ours)])
    )
