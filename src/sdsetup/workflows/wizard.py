"""`sdsetup` alone: the guided way to an installation, and around one that is there.

It never asks what it can find out, and one can leave at any question with nothing changed.
"""

from __future__ import annotations

from pathlib import Path

from sdsetup.errors import EXIT_DONE, EXIT_INTERRUPTED, DeclinedError, SdsetupError
from sdsetup.probe.folder import state_of
from sdsetup.show.keyboard import interruptible
from sdsetup.show.wizard import show_no_terminal, without_options
from sdsetup.text import Text
from sdsetup.workflows.session import AlreadySaid, Session
from sdsetup.workflows.wizard_install import Wanted, guided_install
from sdsetup.workflows.wizard_menu import run_menu


def run_wizard(session: Session) -> int:
    """The guided way through; returns the exit code. Without a terminal it names the command instead."""
    if not session.screen.interactive:
        show_no_terminal(session.screen)
        return EXIT_DONE
    wanted = Wanted()
    try:
        with interruptible():
            return _guided(session, wanted)
    except (DeclinedError, KeyboardInterrupt) as left:
        interrupted = isinstance(left, KeyboardInterrupt) or left.exit_code == EXIT_INTERRUPTED
        if not wanted.began:
            session.screen.line(Text("Nothing was changed."))
        elif isinstance(left, KeyboardInterrupt):  # in the middle of the work
            raise
        return AlreadySaid(EXIT_INTERRUPTED) if interrupted else EXIT_DONE
    except SdsetupError as error:
        without_options(error)
        raise


def _guided(session: Session, wanted: Wanted) -> int:
    folder = session.folder(None)
    if state_of(session.machine, Path(folder))[0] == "webui":
        return run_menu(session, folder, wanted)
    return guided_install(session, wanted)
