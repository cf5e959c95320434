"""What sdsetup can do about a failure by itself: each act of the failures profile, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json import loads as json_of
from pathlib import Path

from sdsetup.catalog.failures import Act
from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.errors import EXIT_DONE
from sdsetup.execute.folders import set_aside
from sdsetup.execute.git.program import ask as git_says
from sdsetup.execute.own_files import load_journal
from sdsetup.storage import write_json
from sdsetup.text import Text
from sdsetup.values.journal import to_json
from sdsetup.values.request import Request
from sdsetup.values.state_folder import state_folder
from sdsetup.workflows.described_machine import MachineOptions
from sdsetup.workflows.install import decide, launcher_kinds, run_install
from sdsetup.workflows.models import check_models, get_model
from sdsetup.workflows.session import Session
from sdsetup.workflows.tune import run_tune
from sdsetup.workflows.verify import run_verify


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
