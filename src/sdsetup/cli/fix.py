"""`sdsetup fix`: what a log says went wrong, and, with consent, the fix and another start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from json import loads as json_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes
from sdsetup.decide.facts import Family
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, SdsetupError, UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.cli.session import Session
    from sdsetup.decide.diagnosis import Reading, Scene
    from sdsetup.decide.profiles.failures import Act, FailureBook

_MOST_BYTES = 50_000_000  # of a log; what is further up belongs to earlier starts
_FAMILIES: dict[str, Family] = {"windows": "windows", "linux": "linux", "wsl": "linux", "macos": "macos"}

LogArgument = Annotated[
    Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
    typer.Argument(
        metavar="[LOG|-]",
        help="A log file, or - for standard input. Without it: the log of the last start.",
        show_default=False,
    ),
]
OsOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--os",
        metavar="NAME",
        help="Where the log is from, if it doesn't say: windows, linux, macos, or wsl.",
        show_default=False,
    ),
]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A log's text. `folder` is the installation it is from, None for somebody else's log."""

    text: str
    path: Path | None
    folder: Path | None


def fix(
    log: LogArgument = None,
    dir: Dir = None,
    os: OsOption = None,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find out from a log why the web UI failed, and fix it (with --json: only find out)."""
    from sdsetup.cli.session import open_session

    session = open_session(command="fix", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_fix(session, log=log, dir=dir, os=os, yes=yes))


def run_fix(session: Session, *, log: str | None, dir: Path | None, os: str | None, yes: bool) -> int:
    """The whole of `sdsetup fix`; returns the exit code: 1 for a log that matches nothing known.

    Raises:
        SdsetupError: there is no log, or it cannot be read; whatever stopped the fix.
    """
    from sdsetup.decide.diagnosis import read_log
    from sdsetup.decide.profiles.failures import parse_failures

    family = _family(os)
    book = parse_failures(session.profiles.raw("failures"), "failures")
    source = _source(session, book, log, dir)
    reading = read_log(source.text, book, scene=_scene(session, source, family))
    if session.json:
        from sdsetup.show.diagnosis import reading_json
        from sdsetup.show.document import print_document

        print_document(reading_json(reading))
    else:
        from sdsetup.show.diagnosis import show_reading

        show_reading(reading, source.path, session.screen)
        if source.folder is not None and reading.diagnosis is not None:
            return _mend(session, reading, source.folder, yes=yes)
    return EXIT_EXPECTED if reading.state == "unknown" else EXIT_DONE


def _family(name: str | None) -> Family | None:
    if name is None:
        return None
    if name.lower() not in _FAMILIES:
        raise UsageError(
            Text("{value} is not a system that is known here", value=name),
            hint=Text("Use one of: {names}.", names=", ".join(_FAMILIES)),
            code="option-value",
        )
    return _FAMILIES[name.lower()]


def _scene(session: Session, source: Source, family: Family | None) -> Scene:
    """What is known besides the log: of an own installation all, of somebody else's only what was said."""
    from sdsetup.cli.lessons import cards, vendors
    from sdsetup.decide.diagnosis import Scene

    if source.folder is None:
        return Scene(family=family)
    inside = Path("Scripts/python.exe") if session.machine.family == "windows" else Path("bin/python")
    return Scene(
        dir=str(source.folder),
        python=str(source.folder / "venv" / inside),
        family=family or session.machine.family,
        vendors=vendors(cards(session, source.folder)),
    )


def _source(session: Session, book: FailureBook, log: str | None, dir: Path | None) -> Source:
    from sdsetup.cli.folders import chosen_folder
    from sdsetup.decide.diagnosis.windows import decoded

    if log == "-":
        return Source(text=decoded(sys.stdin.buffer.read(), book.messages), path=None, folder=_named(dir))
    if log is not None:
        path = Path(log).expanduser().absolute()
        own = path.parent.parent.parent if path.parent.parts[-2:] == (".sdsetup", "logs") else _named(dir)
    else:
        own = chosen_folder(session, dir)
        path = _last_log(own)
    return Source(text=decoded(_read(path), book.messages), path=path, folder=own)


def _named(dir: Path | None) -> Path | None:
    """The installation that the person says the log is from."""
    return None if dir is None else Path(dir).expanduser().absolute()


def _last_log(folder: Path) -> Path:
    logs = sorted((folder / ".sdsetup" / "logs").glob("webui-*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        raise SdsetupError(
            Text("There is no log of a start here"),
            where=folder,
            hint=Text("Start the web UI with `sdsetup launch`, or name a log file: sdsetup fix FILE."),
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
            Text("The log cannot be read"),
            where=path,
            why=Text("{error}", error=error.strerror or error),
            hint=Text("Name a text file, or pipe the log in: sdsetup fix -"),
            code="log-unreadable",
        ) from error


# --- what sdsetup can do about a failure -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """How an act of the failures profile is carried out. `run` asks for consent itself where it changes things."""

    what: Text
    run: Callable[[Session, Path, bool], int]


def _mend(session: Session, reading: Reading, folder: Path, *, yes: bool) -> int:
    """Offer the act, carry it out, and start the web UI again."""
    act = reading.diagnosis.cure.act if reading.diagnosis is not None else None
    carrying = next((carrying for name, carrying in ACTS.items() if name == act), None)
    if carrying is None or not (folder / "launch.py").is_file():
        return EXIT_DONE
    if not _agreed(session, carrying.what, yes=yes):
        return EXIT_DONE
    code = carrying.run(session, folder, True)
    if code != EXIT_DONE:
        return code
    from sdsetup.cli.launch import run_launch

    return run_launch(session, folder, browser=True)


def _agreed(session: Session, what: Text, *, yes: bool) -> bool:
    if yes:
        return True
    if not session.screen.interactive:
        session.screen.line(Text("Add --yes, and sdsetup does this: {what}", what=what))
        return False
    from sdsetup.show.questions import ask_yes

    session.screen.line(Text("sdsetup can do this now: {what}", what=what))
    return ask_yes(session.screen, Text("Proceed?"))


def _install(session: Session, folder: Path, yes: bool) -> int:
    from sdsetup.cli.installing import Wish, run_install

    return run_install(session, Wish(dir=folder, yes=yes))


def _environment(session: Session, folder: Path, yes: bool) -> int:
    """The log has shown that the environment is not as it was left: what is remembered of it no longer counts."""
    from sdsetup.decide.journal import to_json
    from sdsetup.execute.runner import load_journal
    from sdsetup.storage import write_json

    state = folder / ".sdsetup"
    journal = load_journal(state)
    if journal.entries:
        write_json(state / "journal.json", to_json(journal.without("environment")))
    return _install(session, folder, yes)


def _launcher(session: Session, folder: Path, yes: bool) -> int:
    from sdsetup.cli.answering import Question, answer_for
    from sdsetup.cli.applying import apply_tuning
    from sdsetup.cli.tuning import load_rules

    answer = answer_for(session, Question(dir=folder), load_rules(session.profiles, "current"))
    return apply_tuning(session, folder, answer.tuning, yes=yes)


def _model(session: Session, folder: Path, yes: bool) -> int:
    from sdsetup.cli.fetching import Wanted, get_model

    return get_model(session, Wanted(name="sd15", dir=folder, limit_rate=None, fresh=False, yes=yes))


def _models(session: Session, folder: Path, _yes: bool) -> int:
    from sdsetup.cli.model import run_check

    return run_check(session, folder)


def _settings(session: Session, folder: Path, _yes: bool) -> int:
    """Settings files that are no JSON any more; the web UI makes new ones."""
    return _put_aside(
        session, folder, [name for name in ("config.json", "ui-config.json") if _broken(folder / name)]
    )


def _cache(session: Session, folder: Path, _yes: bool) -> int:
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
    from sdsetup.execute.folders import set_aside

    for name in names:
        kept = set_aside(folder / name, folder / ".sdsetup" / "aside")
        session.screen.line(Text("{name} is kept as {path}", name=name, path=kept))
    return EXIT_DONE


def _verify(session: Session, folder: Path, _yes: bool) -> int:
    from sdsetup.cli.verify import run_verify

    return run_verify(session, folder)


def _nothing(_session: Session, _folder: Path, _yes: bool) -> int:
    return EXIT_DONE


ACTS: dict[Act, Carrying] = {
    "install": Carrying(what=Text("complete the installation, then start the web UI"), run=_install),
    "rebuild-environment": Carrying(
        what=Text("build the Python environment again, then start the web UI"), run=_environment
    ),
    "restore-packages": Carrying(
        what=Text("put the web UI's own package versions back, then start the web UI"), run=_environment
    ),
    "write-launcher": Carrying(
        what=Text("write the flags for this PC into the launch file, then start the web UI"), run=_launcher
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
