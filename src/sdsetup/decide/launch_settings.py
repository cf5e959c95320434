"""What a launch file is asked to say: a tuning's settings, and what earlier ones of ours left behind."""

from __future__ import annotations

from collections.abc import Sequence

from sdsetup.catalog.flags import KnownFlags
from sdsetup.decide.record import left_over
from sdsetup.values.flags import Settings
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.tuning import Tuning


def launch_settings(
    tuning: Tuning, recorded: InstallRecord | None, known: KnownFlags, *, also_drop: Sequence[str] = ()
) -> Settings:
    """The settings of a tuning for an installation made as `recorded` says (None: no record).

    `also_drop`: names of flags that come out of the file whoever wrote them.
    """
    drop_flags, left = left_over(recorded, tuning.flags, dict(tuning.env))
    drop_env = tuple(name for name in left if name not in tuning.kept)
    return Settings(
        flags=tuning.flags,
        env=tuning.env,
        drop_flags=tuple(dict.fromkeys((*drop_flags, *also_drop))),
        drop_env=drop_env,
        theirs=tuning.kept,
        exclusive=known.exclusive_groups,
    )
