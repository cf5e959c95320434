"""A person's own flags beside ours: they stay (but for one of a kind), and what they make of ours is said."""

from __future__ import annotations

from collections.abc import Sequence

from sdsetup.catalog.flags import KnownFlags
from sdsetup.text import Text
from sdsetup.values.tuning import Tuning, Warning


def own_flags(in_file: Sequence[str], tuning: Tuning, recorded: Sequence[str]) -> tuple[str, ...]:
    """The flags of a launch file that neither this tuning nor an earlier one of ours set."""
    ours = {flag.split(" ", 1)[0] for flag in (*tuning.flags, *recorded)}
    return tuple(flag for flag in in_file if flag.split(" ", 1)[0] not in ours)


def clashes(own: Sequence[str], tuning: Tuning, known: KnownFlags) -> tuple[Warning, ...]:
    """One warning for each of the person's flags that works against one of ours, or gives way to it."""
    gone = _giving_way(own, tuning, known)
    told = [
        Warning(
            topic="own-flags",
            text=Text(
                "Your launch file has {own} of your own; {ours} takes its place, since only one of them counts. "
                "A copy of the file is kept",
                own=flag,
                ours=ours,
            ),
        )
        for flag, ours in gone.items()
    ]
    for flag in own:
        against = [ours for ours in tuning.flags if known.exclude(flag, ours)]
        if against and flag not in gone:
            told.append(
                Warning(
                    topic="own-flags",
                    text=Text(
                        "Your launch file has {own} of your own, which works against {ours}; yours stays. "
                        "Take it out of the file to follow this advice",
                        own=flag,
                        ours=" and ".join(against),
                    ),
                )
            )
    return tuple(told)


def _giving_way(own: Sequence[str], tuning: Tuning, known: KnownFlags) -> dict[str, str]:
    """The person's flag -> the one of ours that does the same job in another degree."""
    return {
        flag: ours
        for group in known.exclusive_groups
        for ours in tuning.flags
        if ours.split(" ", 1)[0] in group
        for flag in own
        if flag.split(" ", 1)[0] in group and flag != ours
    }
