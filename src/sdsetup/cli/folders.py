"""Which folder is meant."""

from __future__ import annotations

from pathlib import Path

from sdsetup.cli.session import Session


def chosen_folder(session: Session, given: Path | None) -> Path:
    """The folder that was named, made absolute; else the default for this machine."""
    if given is not None:
        return Path(given).expanduser().absolute()
    from sdsetup.decide.places import default_folder
    from sdsetup.probe import gather

    facts = gather(session.machine, session.machine.home, subjects=("drives",))
    return default_folder(session.machine.family, session.machine.home, facts.drives)
