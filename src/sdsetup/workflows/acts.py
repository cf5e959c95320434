"""What sdsetup can do about a failure by itself: each act of the failures profile, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json import loads as json_of
from pathlib import Path

from sdsetup.catalog.failures import Act
from sdsetup.errors import EXIT_DONE
from sdsetup.execute.folders import set_aside
from sdsetup.execute.own_files import load_journal
from sdsetup.storage import write_json
from sdsetup.text import Text
from sdsetup.values.journal import to_json
from sdsetup.values.request import Request
from sdsetup.values.state_folder import state_folder
from sdsetup.workflows.described_machine import MachineOptions
from sdsetup.workflows.install import launcher_kinds, run_install
from sdsetup.workflows.models import check_models, get_model
from sdsetup.workflows.session import Session
from sdsetup.workflows.tune import run_tune
from sdsetup.workflows.verify import run_verify


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """How an act of the failures profile is carried out. `run` asks for consent itself where it changes things."""

    what: Text
    run: Callable[[Session, Path, bool], int]


def _install(session: Session, folder: Path, yes: bool) -> int:
    return run_install(session, Request(dir=str(folder), launchers=launcher_kinds(session)), yes=yes)


def _environment(session: Session, folder: Path, yes: bool) -> int:
    """The log has shown that the environment is not as it was left: what is remembered of it no longer counts."""
    state = state_folder(folder)
    journal = load_journal(state)
    if journal.entries:
        write_json(state / "journal.json", to_json(journal.without("environment")))
    return _install(session, folder, yes)


def _launcher(session: Session, folder: Path, yes: bool) -> int:
    return run_tune(session, MachineOptions(dir=folder), apply=True, yes=yes)


def _model(session: Session, folder: Path, yes: bool) -> int:
    return get_model(session, "sd15", folder, yes=yes)


def _models(session: Session, folder: Path, _yes: bool) -> int:
    return check_models(session, folder)


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
    for name in names:
        kept = set_aside(folder / name, state_folder(folder) / "aside")
        session.screen.line(Text("{name} is kept as {path}", name=name, path=kept))
    return EXIT_DONE


def _verify(session: Session, folder: Path, _yes: bool) -> int:
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
