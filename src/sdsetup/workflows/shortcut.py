"""`sdsetup shortcut`: the web UI is started from the menu of programs or the desktop."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdsetup.command import Command
from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.execute.command_file import starter_in
from sdsetup.execute.folders import file_problems
from sdsetup.execute.shortcut import Place, home_of, shortcuts_of, write_shortcut
from sdsetup.probe.folder import state_of
from sdsetup.show.commands import run_by_uvx
from sdsetup.show.document import print_document
from sdsetup.text import Text
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.self_update import own
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.shortcut/1"


def run_shortcut(session: Session, folder: Path, *, place: Place, remove: bool, yes: bool) -> int:
    """The whole of `sdsetup shortcut`; returns the exit code. `remove`: all of this installation's go.

    Raises:
        SdsetupError: `webui-missing`, `no-lasting-program`, `shortcut-letters`; the cause when a file could not be
            written or removed.
    """
    if remove:
        return _removed(session, folder, yes=yes)
    if state_of(session.machine, folder)[0] != "webui":
        raise SdsetupError(
            Text("The web UI is not installed in this folder"),
            where=folder,
            hint=Text("Install the web UI: {command}", command=Command("sdsetup", "install", "--dir", folder)),
            code="webui-missing",
        )
    program = lasting_program(session)
    if not session.json:
        session.screen.line(
            Text(
                "A shortcut that starts the web UI in {dir} will be created in {place}",
                dir=folder,
                place=home_of(place),
            )
        )
    consent(session, yes=yes)
    file = write_shortcut(place, folder, program, session.machine)
    if session.json:
        print_document(_document(folder, (file,), there=True))
    else:
        mark = session.screen.mark("ok")
        session.screen.line(Text("{mark} Shortcut created: {file}", mark=mark, file=file), "ok")
    return EXIT_DONE


def can_add_shortcut(session: Session, folder: Path) -> bool:
    """Whether this installation has no shortcut and could get one."""
    if session.practising or shortcuts_of(folder, session.machine):
        return False
    try:
        lasting_program(session)
    except SdsetupError:
        return False
    return True


def lasting_program(session: Session) -> tuple[str, ...]:
    """The words that start this sdsetup next year, too.

    Raises:
        SdsetupError: `no-lasting-program` where it runs from a cache.
    """
    if run_by_uvx():
        raise SdsetupError(
            Text("A shortcut needs an installed sdsetup"),
            why=Text("this one runs from uv's cache, which may be emptied"),
            hint=Text("Install it, then run the same command again: {command}", command="uv tool install sdsetup"),
            code="no-lasting-program",
        )
    here = own(session)
    starter = None
    if here.way == "starter" and here.folder:
        starter = starter_in(Path(here.folder), session.machine.family)
    elif here.way in ("zip", "winget", "scoop"):
        starter = starter_in(Path(sys.prefix).parent, session.machine.family)
    return (str(starter),) if starter is not None else (sys.executable, "-m", "sdsetup")


def _removed(session: Session, folder: Path, *, yes: bool) -> int:
    files = shortcuts_of(folder, session.machine)
    if not session.json:
        for file in files:
            session.screen.line(Text("{file} will be removed", file=file))
    if files:
        consent(session, yes=yes)
    for file in files:
        with file_problems(file, Text("The shortcut could not be removed")):
            file.unlink(missing_ok=True)
    if session.json:
        print_document(_document(folder, files, there=False))
    elif files:
        session.screen.line(Text("{mark} Removed", mark=session.screen.mark("ok")), "ok")
    else:
        session.screen.line(Text("There is no shortcut for {dir}", dir=folder))
    return EXIT_DONE


def _document(folder: Path, files: Sequence[Path], *, there: bool) -> dict[str, Any]:
    return {"schema": SCHEMA, "dir": str(folder), "files": [str(file) for file in files], "there": there}
