"""The person's own flags in the launch file that is there, and what has to be said of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session

if TYPE_CHECKING:
    from sdsetup.decide.facts import Facts
    from sdsetup.decide.profiles.flags import Known
    from sdsetup.decide.request import LauncherKind
    from sdsetup.decide.tuning.values import Tuning, Warning


def own_flags_of(
    session: Session,
    folder: Path,
    facts: Facts,
    tuning: Tuning,
    known: Known,
    *,
    kind: LauncherKind,
    content: bytes,
) -> tuple[tuple[str, ...], tuple[Warning, ...]]:
    """Flags that neither this tuning nor an earlier one of ours set, and a warning for each that clashes.

    Raises:
        SdsetupError: a launch file that cannot be understood, naming the line.
    """
    from sdsetup.decide.launcher import grouped, read
    from sdsetup.decide.tuning.own_flags import clashes, own_flags

    page = facts.system.oem_code_page
    encoding = f"cp{page}" if kind == "bat" and page else None
    seen = read(kind, content, encoding=encoding, environment=session.machine.env, folder=str(folder))
    in_file = [" ".join((flag.name, *flag.values)) for flag in grouped(seen.flags)]
    own = own_flags(in_file, tuning, facts.recorded.flags if facts.recorded else ())
    return own, clashes(own, tuning, known)
