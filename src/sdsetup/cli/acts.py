"""What sdsetup can do about a failure by itself: each act of the failures profile, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json import loads as json_of
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.decide.profiles.failures import Act
from sdsetup.errors import EXIT_DONE
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.cli.session import Session


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """How an act of the failures profile is carried out. `run` asks for consent itself where it changes things."""

    what: Text
    run: Callable[[Session, Path, bool], int]


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
