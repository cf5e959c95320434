"""`sdsetup fix`: what a log says went wrong, and, with consent, the fix and another start."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.default_folder import python_in
from sdsetup.decide.diagnosis import LogOrigin, Reading, read_log
from sdsetup.decide.diagnosis.windows import decoded
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, SdsetupError, UsageError
from sdsetup.machine.launch_settings import environment_in_use
from sdsetup.show.diagnosis import reading_json, show_reading
from sdsetup.show.document import print_document
from sdsetup.show.questions import ask_yes
from sdsetup.text import Text
from sdsetup.values.facts import Family
from sdsetup.values.state_folder import STATE_FOLDER, state_folder
from sdsetup.workflows.acts import ACTS
from sdsetup.workflows.inspect import cards, vendors
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.session import Session, named_path

_MOST_BYTES = 50_000_000  # of a log; what is further up belongs to earlier starts
_FAMILIES: dict[str, Family] = {"windows": "windows", "linux": "linux", "wsl": "linux", "macos": "macos"}


@dataclass(frozen=True, kw_only=True)
class LogText:
    """A log's text. `folder` is the installation it is from, None for somebody else's log."""

    text: str
    path: Path | None
    folder: Path | None


def run_fix(session: Session, *, log: str | None, dir: Path | None, os: str | None, yes: bool) -> int:
    """The whole of `sdsetup fix`; returns the exit code: 1 for a log that matches nothing known.

    Raises:
        SdsetupError: there is no log, or it cannot be read; whatever stopped the fix.
    """
    family = _family(os)
    book = session.catalog.failures
    source = _source(session, book, log, dir)
    reading = read_log(source.text, book, origin=_origin(session, source, family))
    if session.json:
        print_document(reading_json(reading))
    else:
        show_reading(reading, source.path, session.screen)
        if source.folder is not None and reading.diagnosis is not None:
            return _mend(session, reading, source.folder, yes=yes)
    return EXIT_EXPECTED if reading.state == "unknown" else EXIT_DONE


def _family(name: str | None) -> Family | None:
    if name is None:
        return None
    if name.lower() not in _FAMILIES:
        raise UsageError(
            Text("{value} is not a supported system", value=name),
            hint=Text("Use one of: {names}.", names=", ".join(_FAMILIES)),
            code="option-value",
        )
    return _FAMILIES[name.lower()]


def _origin(session: Session, source: LogText, family: Family | None) -> LogOrigin:
    """What is known besides the log: of an own installation all, of somebody else's only what was said."""
    if source.folder is None:
        return LogOrigin(family=family)
    return LogOrigin(
        dir=str(source.folder),
        python=str(python_in(environment_in_use(session.machine, source.folder), session.machine.family)),
        family=family or session.machine.family,
        vendors=vendors(cards(session, source.folder)),
    )


def _source(session: Session, book: FailureBook, log: str | None, dir: Path | None) -> LogText:
    if log == "-":
        return LogText(text=decoded(sys.stdin.buffer.read(), book.messages), path=None, folder=_named(dir))
    if log is not None:
        path = named_path(Path(log))
        own = path.parent.parent.parent if path.parent.parts[-2:] == (STATE_FOLDER, "logs") else _named(dir)
    else:
        own = session.folder(dir)
        path = _last_log(own)
    return LogText(text=decoded(_read(path), book.messages), path=path, folder=own)


def _named(dir: Path | None) -> Path | None:
    """The installation that the user says the log is from."""
    return None if dir is None else named_path(dir)


def _last_log(folder: Path) -> Path:
    logs = sorted((state_folder(folder) / "logs").glob("webui-*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        raise SdsetupError(
            Text("No log of the web UI in this folder"),
            where=folder,
            hint=Text("Start the web UI with sdsetup, or pass a log file: sdsetup fix FILE"),
            code="log-missing",
        )
    return logs[-1]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST_BYTES))
            return file.read()
    except OSError as error:
        raise SdsetupError(
            Text("The log can't be read"),
            where=path,
            why=Text("{error}", error=error.strerror or error),
            hint=Text("Pass a text file, or pipe the log in: sdsetup fix -"),
            code="log-unreadable",
        ) from error


def _mend(session: Session, reading: Reading, folder: Path, *, yes: bool) -> int:
    """Offer the act, carry it out, and start the web UI again."""
    found = reading.diagnosis
    carrying = next((one for name, one in ACTS.items() if found is not None and name == found.fix.act), None)
    if found is None or carrying is None or not _installed(folder):
        return EXIT_DONE
    if not _agreed(session, carrying.what, yes=yes):
        return EXIT_DONE
    code = carrying.run(session, folder, found)
    if code != EXIT_DONE:
        return code
    return run_launch(session, folder, browser=True)


def _installed(folder: Path) -> bool:
    """Whether this is a web UI's folder, or one in which we have begun to make one."""
    return (folder / "launch.py").is_file() or (state_folder(folder) / "journal.json").is_file()


def _agreed(session: Session, what: Text, *, yes: bool) -> bool:
    if yes:
        return True
    if not session.screen.interactive:
        session.screen.line(Text("With --yes, sdsetup will {what}", what=what))
        return False
    session.screen.line(Text("sdsetup can do this now: {what}", what=what))
    return ask_yes(session.screen, Text("Proceed?"))
