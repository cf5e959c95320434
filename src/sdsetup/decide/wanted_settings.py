"""What a launch file is asked to say: a tuning's settings, and what earlier ones of ours left behind."""

from __future__ import annotations

from collections.abc import Sequence

from sdsetup.catalog.flags import KnownFlags
from sdsetup.decide.record import left_over
from sdsetup.values.flags import Settings, is_flag
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.tuning import Tuning


def launch_settings(
    tuning: Tuning, recorded: InstallRecord | None, known: KnownFlags, *, also_drop: Sequence[str] = ()
) -> Settings:
    """The settings of a tuning for an installation made as `recorded` says (None: no record).

    `also_drop`: names of flags and variables that come out of the file whoever wrote them.
    """
    drop_flags, left = left_over(recorded, tuning.flags, dict(tuning.env))
    out_flags = [name for name in also_drop if is_flag(name)]
    out_env = [name for name in also_drop if not is_flag(name) and name not in dict(tuning.env)]
    drop_env = (*(name for name in left if name not in tuning.kept), *out_env)
    return Settings(
        flags=tuning.flags,
        env=tuning.env,
        drop_flags=tuple(dict.fromkeys((*drop_flags, *out_flags))),
        drop_env=tuple(dict.fromkeys(drop_env)),
        theirs=tuning.kept,
        exclusive=known.exclusive_groups,
    )
