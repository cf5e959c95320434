"""Which folder is meant."""

from __future__ import annotations

from pathlib import Path

from sdsetup.cli.session import Session
from sdsetup.errors import UsageError
from sdsetup.text import Text


def chosen_folder(session: Session, given: Path | None) -> Path:
    """The folder that was named, made absolute; else the default for this machine."""
    if given is not None:
        return named_path(given)
    from sdsetup.cli.doctor import read_profile
    from sdsetup.probe import default_folder

    return default_folder(session.machine, need_bytes=read_profile(session).install_bytes)


def named_path(given: Path) -> Path:
    """A path of an option made absolute, with `~` filled in.

    Raises:
        UsageError: `no-such-user`, `current-folder-gone`.
    """
    try:
        return given.expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(
            Text("This PC has no user of that name"),
            where=given,
            hint=Text("Give the whole path, for example /home/name/folder."),
            code="no-such-user",
        ) from error
    except FileNotFoundError as error:
        raise UsageError(
            Text("The folder that this terminal is in no longer exists"),
            where=given,
            hint=Text("Change to another folder (cd ~), or give the whole path."),
            code="current-folder-gone",
        ) from error
