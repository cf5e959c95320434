"""Which folder is meant."""

from __future__ import annotations

from pathlib import Path

from sdsetup.cli.session import Session


def chosen_folder(session: Session, given: Path | None) -> Path:
    """The folder that was named, made absolute; else the default for this machine."""
    if given is not None:
        return Path(given).expanduser().absolute()
    from sdsetup.cli.doctor import read_profile
    from sdsetup.probe import default_folder

    return default_folder(session.machine, need_bytes=read_profile(session).install_bytes)
