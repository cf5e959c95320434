"""`sdsetup` alone: the guided way to an installation, and around one that is there.

It never asks what it can find out, and one can leave at any question with nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdsetup.decide.checks.cards import card
from sdsetup.errors import EXIT_DONE, EXIT_INTERRUPTED, DeclinedError, SdsetupError
from sdsetup.probe.folder import state_of
from sdsetup.show.errors import show_error
from sdsetup.show.new_card import show_change
from sdsetup.show.plan import show_plan, show_warnings
from sdsetup.show.questions import ask_key, interruptible, words_for
from sdsetup.show.wizard import show_menu, show_models, show_no_terminal, show_this_pc, without_options
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.request import Request
from sdsetup.workflows import log
from sdsetup.workflows.carrying_out import agreed, carry_out_to_image
from sdsetup.workflows.described_machine import MachineOptions
from sdsetup.workflows.doctor import examine, requirements_of
from sdsetup.workflows.inspect import cards, inspect
from sdsetup.workflows.install import decide, launcher_kinds, run_install
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.model import check_models, get_model
from sdsetup.workflows.session import AlreadySaid, Session
from sdsetup.workflows.tune import card_changes, tuned_for
from sdsetup.workflows.uninstall import run_uninstall
from sdsetup.workflows.update import run_update
from sdsetup.workflows.wizard_install import Wanted, guided_install, model_offers, what_next


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


Do = Callable[[Session, Path, Wanted], "int | None"]  # an exit code, None to come back to the menu


@dataclass(frozen=True)
class _Choice:
    """`words`: other ways to type it."""

    title: Text
    do: Do
    words: tuple[str, ...]


def run_menu(session: Session, folder: Path, wanted: Wanted) -> int:
    """Show what can be done with this installation and do it, until the user leaves; returns the exit code."""
    choices = _choices()
    keys = {str(number): choice.words for number, choice in enumerate(choices, 1)}
    while True:
        about, default = _about(session, folder)
        show_menu(str(folder), [choice.title for choice in choices], about, session.screen)
        session.screen.line()
        picked = ask_key(session.screen, Text("What next? (q quits)"), {**keys, "q": words_for("quit")}, default)
        if picked == "q":
            return EXIT_DONE
        session.screen.line()
        code = _done(session, folder, wanted, choices[int(picked) - 1].do)
        if code is not None:
            return code
        session.screen.line()


def _choices() -> tuple[_Choice, ...]:
    return (
        _Choice(Text("Start the web UI"), _start, ("start",)),
        _Choice(Text("Repair"), _repair, ("repair",)),
        _Choice(Text("New graphics card"), _new_card, ("card",)),
        _Choice(Text("Update"), _update, ("update",)),
        _Choice(Text("Models"), _models, ("models", "model")),
        _Choice(Text("Remove"), _remove, ("remove", "uninstall")),
        _Choice(Text("Install in another folder"), _another, ("install",)),
    )


def _done(session: Session, folder: Path, wanted: Wanted, do: Do) -> int | None:
    """One of the choices carried out. A no, or an error of it, leads back to the menu."""
    try:
        return do(session, folder, wanted)
    except DeclinedError as declined:
        if declined.exit_code != 1:  # the input has ended, or Ctrl-C
            raise
        session.screen.line(Text("Nothing was changed."))
    except SdsetupError as error:
        wanted.began = True
        show_error(without_options(error), log.current(), session.screen)
    return None


def _about(session: Session, folder: Path) -> tuple[Sequence[Text], str]:
    """What to know before choosing, and which choice Enter takes."""
    facts = inspect(session, folder, subjects=("system", "gpus", "installation", "parts"))
    said: list[Text] = []
    default = "1"
    if _card_changed(session, facts):
        said.append(Text("The graphics card has changed since installation. Choose 3 to make it fit."))
        default = "3"
    there, parts = facts.installation, facts.parts
    if parts is not None and parts.unfinished is not None:
        said.append(Text("The installation was not finished. Choose 2 to continue it."))
        default = "2"
    elif there is None or there.environment_python is None:
        said.append(Text("The Python environment is missing or damaged. Choose 2 to repair it."))
        default = "2"
    if parts is not None and parts.running is not None:
        said.append(Text("The web UI is running."))
    return said, default


def _card_changed(session: Session, facts: Facts) -> bool:
    return facts.recorded is not None and card(facts, requirements_of(session, facts)).status == "warn"


def _start(session: Session, folder: Path, wanted: Wanted) -> int | None:
    wanted.began = True
    return run_launch(session, folder, browser=True)


def _repair(session: Session, folder: Path, wanted: Wanted) -> int | None:
    """What doctor finds, then the steps that put it right."""
    report = examine(session, folder)
    show_this_pc(report, session.screen)
    session.screen.line()
    request = Request(
        dir=str(folder), model=_model_to_repair(session, folder, report.facts), launchers=launcher_kinds(session),
        deep=True,
    )  # fmt: skip
    decision = decide(session, request)
    show_warnings(decision.tuning, session.screen)
    show_plan(decision.plan, session.screen)
    wanted.began = True
    decision = agreed(session, decision, yes=False)
    image = carry_out_to_image(session, decision, following=False)
    return what_next(session, folder, image)


def _model_to_repair(session: Session, folder: Path, facts: Facts) -> str | None:
    """The model whose file is to be right: the one that was being installed, or that lies there under its name;
    the usual one where there is none at all."""
    unfinished = facts.parts.unfinished if facts.parts is not None else None
    words = unfinished.words if unfinished is not None else ()
    if "--model" in words[:-1]:
        name = words[words.index("--model") + 1]
        return name if name in session.catalog.models.models else None
    for model in session.catalog.models.models.values():
        if (folder / model.save_as).is_file():
            return model.name
    there = facts.installation
    return None if there is not None and there.models else "sd15"


def _new_card(session: Session, folder: Path, wanted: Wanted) -> int | None:
    """New settings and another PyTorch, where the graphics card is another one than at installation."""
    tuned = tuned_for(session, MachineOptions(dir=folder), session.catalog.rules())
    changes = card_changes(tuned)
    if not changes:
        then = cards(session, folder).recorded
        if then is None:
            session.screen.line(
                Text("The graphics card this installation was made for is not recorded. Choose 2 to repair it.")
            )
            return None
        name = then.card
        session.screen.line(
            Text("Graphics card unchanged: {card}. Nothing to do.", card=name)
            if name is not None
            else Text("Graphics card unchanged. Nothing to do.")
        )
        return None
    show_change(changes, session.screen, dir=folder, carried_out=True)
    wanted.began = True
    run_install(session, Request(dir=str(folder), launchers=launcher_kinds(session)))
    return None


def _update(session: Session, folder: Path, wanted: Wanted) -> int | None:
    wanted.began = True
    run_update(session, folder, to=None, extensions=False, dry_run=False, yes=False)
    return None


def _models(session: Session, folder: Path, wanted: Wanted) -> int | None:
    """Which models there are, and one to download; `c` checks the files that are there."""
    wanted.report = wanted.report or examine(session, folder)
    while True:
        offers = model_offers(session, wanted, folder)
        show_models(offers, session.screen, none=False)
        keys = {str(number): (offer.name,) for number, offer in enumerate(offers, 1)}
        more = {"c": ("check",), "b": (*words_for("back"), *words_for("quit"))}
        picked = ask_key(
            session.screen, Text("Model to download (c checks files, b goes back)"), {**keys, **more}, "b"
        )
        if picked == "b":
            return None
        session.screen.line()
        if picked == "c":
            check_models(session, folder)
        else:
            wanted.began = True
            get_model(session, offers[int(picked) - 1].name, folder)
        session.screen.line()


def _remove(session: Session, folder: Path, wanted: Wanted) -> int | None:
    wanted.began = True
    run_uninstall(session, folder, dry_run=False, yes=False)
    return EXIT_DONE


def _another(session: Session, folder: Path, wanted: Wanted) -> int | None:
    beside = folder.with_name(f"{folder.name}-2")
    return guided_install(session, wanted, str(beside))
