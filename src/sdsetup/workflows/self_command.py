"""`sdsetup self command`: `sdsetup` can be typed anywhere, or no longer."""

from __future__ import annotations

from pathlib import Path

from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.execute.command_file import bin_folder, file_in, is_ours, starter_in, write
from sdsetup.execute.folders import file_problems
from sdsetup.show.document import print_document
from sdsetup.text import Text
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.self_update import own
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.self-command/1"


def run_self_command(session: Session, *, remove: bool, yes: bool) -> int:
    """The whole of `sdsetup self command`; returns the exit code.

    Raises:
        SdsetupError: `no-bin-folder`, `no-starter`, `command-taken`.
    """
    folder = bin_folder(session.machine)
    if folder is None:
        windows = session.machine.family == "windows"
        raise SdsetupError(
            Text("None of your program folders is on PATH"),
            hint=Text("Sign out and back in, or start sdsetup with its full path.")
            if windows
            else Text(
                "Create one (mkdir -p ~/.local/bin), sign out and back in, then run the same command again."
            ),
            code="no-bin-folder",
        )
    file = file_in(folder, session.machine.family)
    if remove:
        return _removed(session, file, yes=yes)
    here = own(session)
    starter = None if here.folder is None else starter_in(Path(here.folder), session.machine.family)
    if starter is None:
        raise SdsetupError(
            Text("This sdsetup was not started with sdsetup.bat or sdsetup.sh"),
            why=Text("it was installed with {way}, which adds the command to PATH", way=here.way),
            hint=None,
            code="no-starter",
        )
    if not session.json:
        session.screen.line(Text("{file} will start sdsetup from {folder}", file=file, folder=starter.parent))
    consent(session, yes=yes)
    write(file, starter, session.machine)
    return _told(session, file, there=True)


def _removed(session: Session, file: Path, *, yes: bool) -> int:
    if is_ours(file):
        if not session.json:
            session.screen.line(Text("{file} will be removed", file=file))
        consent(session, yes=yes)
        with file_problems(file, Text("The command could not be removed")):
            file.unlink()
    return _told(session, file, there=False)


def _told(session: Session, file: Path, *, there: bool) -> int:
    if session.json:
        print_document({"schema": SCHEMA, "path": str(file), "there": there})
    elif there:
        mark = session.screen.mark("ok")
        session.screen.line(Text("{mark} You can now type sdsetup in any new terminal window.", mark=mark), "ok")
    else:
        session.screen.line(Text("The command was removed: {file}", file=file))
    return EXIT_DONE
