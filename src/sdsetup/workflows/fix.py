"""`sdsetup fix`: what a log says went wrong, and, with consent, the fix and another start.

Each act of the failures profile stands here with what carries it out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from json import loads as json_of
from pathlib import Path

from sdsetup.catalog.failures import Act, FailureBook
from sdsetup.decide.diagnosis import Diagnosis, LogOrigin, Reading, read_log
from sdsetup.decide.diagnosis.windows_words import decoded
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, SdsetupError, UsageError
from sdsetup.execute.folders import set_aside
from sdsetup.execute.git.program import ask as git_says
from sdsetup.execute.own_files import load_journal
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.show.diagnosis import reading_json, show_reading
from sdsetup.show.document import print_document
from sdsetup.show.questions import ask_yes
from sdsetup.storage import write_json
from sdsetup.text import Text
from sdsetup.values.facts import Family
from sdsetup.values.journal import to_json
from sdsetup.values.layout import STATE_FOLDER, python_in, state_folder
from sdsetup.values.request import Request
from sdsetup.workflows.described_machine import MachineOptions
from sdsetup.workflows.inspect import cards, vendors
from sdsetup.workflows.install import decide, launcher_kinds, run_install
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.model import check_models, get_model
from sdsetup.workflows.session import Session, named_path
from sdsetup.workflows.tune import run_tune
from sdsetup.workflows.verify import run_verify

_MOST_BYTES = 50_000_000  # of a log; what is further up belongs to earlier starts
_FAMILIES: dict[str, Family] = {"windows": "windows", "linux": "linux", "wsl": "linux", "macos": "macos"}


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """How an act of the failures profile is carried out, once the user has agreed."""

    what: Text
    run: Callable[[Session, Path, Diagnosis], int]


def _install(session: Session, folder: Path, _found: Diagnosis) -> int:
    request = Request(dir=str(folder), launchers=launcher_kinds(session))
    if not decide(session, request).plan.todo:
        screen = session.screen
        screen.line(Text("Nothing is missing from the installation."))
        screen.line(Text("If the web UI fails again, create a support report: sdsetup report"))
        return EXIT_DONE
    return run_install(session, request, yes=True)


def _clones(session: Session, folder: Path, found: Diagnosis) -> int:
    """An installation takes a repository for whole whose files are; its objects are git's to judge."""
    context = session.context(folder)
    aside = state_folder(folder) / "aside"
    for clone in (folder, *sorted((folder / "repositories").glob("*/"))):
        if not (clone / ".git").exists() or git_says(context, clone, "fsck", "--connectivity-only") is not None:
            continue
        # The web UI's own files stay where they are: an installation adopts a folder without its history.
        damaged, name = (clone / ".git", "webui.git") if clone == folder else (clone, clone.name)
        _tell_kept(session, name, set_aside(damaged, aside, name=name))
    return _install(session, folder, found)


def _environment(session: Session, folder: Path, found: Diagnosis) -> int:
    """The log has shown that the environment is not as it was left: what is remembered of it no longer counts."""
    state = state_folder(folder)
    journal = load_journal(state)
    if journal.entries:
        write_json(state / "journal.json", to_json(journal.without("environment")))
    return _install(session, folder, found)


def _launcher(session: Session, folder: Path, found: Diagnosis) -> int:
    return run_tune(session, MachineOptions(dir=folder), apply=True, without=found.takes_out, yes=True)


def _model(session: Session, folder: Path, _found: Diagnosis) -> int:
    return get_model(session, "sd15", folder, yes=True)


def _models(session: Session, folder: Path, _found: Diagnosis) -> int:
    return check_models(session, folder)


def _settings(session: Session, folder: Path, _found: Diagnosis) -> int:
    """Settings files that are no JSON any more; the web UI makes new ones."""
    return _put_aside(
        session, folder, [name for name in ("config.json", "ui-config.json") if _broken(folder / name)]
    )


def _cache(session: Session, folder: Path, _found: Diagnosis) -> int:
    """The web UI's cache holds only what it can work out again."""
    return _put_aside(session, folder, [name for name in ("cache", "cache.json") if (folder / name).exists()])


def _broken(file: Path) -> bool:
    try:
        json_of(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return False


def _put_aside(session: Session, folder: Path, names: list[str]) -> int:
    for name in names:
        _tell_kept(session, name, set_aside(folder / name, state_folder(folder) / "aside"))
    return EXIT_DONE


def _tell_kept(session: Session, name: str, kept: Path) -> None:
    session.screen.line(Text("{name} is kept as {path}", name=name, path=kept))


def _verify(session: Session, folder: Path, _found: Diagnosis) -> int:
    return run_verify(session, folder)


def _nothing(_session: Session, _folder: Path, _found: Diagnosis) -> int:
    return EXIT_DONE


ACTS: dict[Act, Carrying] = {
    "install": Carrying(what=Text("complete the installation, then start the web UI"), run=_install),
    "clone-again": Carrying(
        what=Text("download the damaged Git folders again, then start the web UI"), run=_clones
    ),
    "rebuild-environment": Carrying(
        what=Text("rebuild the Python environment, then start the web UI"), run=_environment
    ),
    "restore-packages": Carrying(
        what=Text("restore the web UI's package versions, then start the web UI"), run=_environment
    ),
    "write-launcher": Carrying(
        what=Text("write the flags for this PC to the launch file, then start the web UI"), run=_launcher
    ),
    "fetch-model": Carrying(what=Text("download a model, then start the web UI"), run=_model),
    "check-models": Carrying(what=Text("check every model file"), run=_models),
    "reset-settings": Carrying(
        what=Text("move the damaged settings file aside, then start the web UI"), run=_settings
    ),
    "reset-cache": Carrying(what=Text("move the web UI's cache aside, then start the web UI"), run=_cache),
    "less-memory": Carrying(what=Text("find settings that need less video memory"), run=_verify),
    "more-precision": Carrying(what=Text("find settings with more precision"), run=_verify),
    "start-again": Carrying(what=Text("start the web UI"), run=_nothing),
}


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
