"""The wizard's way to an installation: this PC, three questions, the work, and what comes after it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

import sdsetup
from sdsetup.catalog.models import fetch_file
from sdsetup.decide.checks import REPAIRED_BY_INSTALL
from sdsetup.decide.folder_choice import folder_problem, place_problem, typing_problem
from sdsetup.decide.tuning.engine import situation
from sdsetup.decide.tuning.models_that_fit import ModelFit, models_that_fit
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, DeclinedError, SdsetupError
from sdsetup.execute.download.reuse import copies_by_size
from sdsetup.show.plan import show_plan, show_warnings
from sdsetup.show.questions import ask_key, ask_line, meaning, words_for
from sdsetup.show.wizard import (
    ModelOffer,
    show_answers,
    show_at_question,
    show_models,
    show_plan_in_short,
    show_refused,
    show_this_pc,
    show_welcome,
)
from sdsetup.show.words import size
from sdsetup.storage import data_folder
from sdsetup.text import Text
from sdsetup.values.events import silent
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Report
from sdsetup.values.request import Request
from sdsetup.workflows import log
from sdsetup.workflows.carrying_out import Decision, agreed, carry_out_to_image
from sdsetup.workflows.doctor import examine, offer_fixes, requirements_of
from sdsetup.workflows.doctor_fixes import fix_actions
from sdsetup.workflows.inspect import inspect
from sdsetup.workflows.install import decide, launcher_kinds
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.rehearse import practice_folder, with_stand_ins
from sdsetup.workflows.session import Session, named_path
from sdsetup.workflows.shortcut import can_add_shortcut, run_shortcut

_DEFAULT_MODEL = "sd15"
# Beside each letter the one on the same key of a Russian keyboard.
_BACK_OR_QUIT = {"b": words_for("back"), "q": words_for("quit")}


@dataclass(kw_only=True)
class Wanted:
    """The answers so far. `began`: something on this PC was changed, so leaving no longer changes nothing."""

    report: Report | None = None
    folder: str = ""
    model: str | None = _DEFAULT_MODEL
    practised: bool = False
    began: bool = False
    offers: tuple[ModelOffer, ...] = ()
    copies: dict[str, Path] | None = None  # files elsewhere on this PC that may be models, by the model's name
    decision: Decision | None = None

    @property
    def facts(self) -> Facts | None:
        return None if self.report is None else self.report.facts


def guided_install(session: Session, wanted: Wanted, folder: str | None = None) -> int:
    """From the first look to the first image; returns the exit code.

    Raises:
        DeclinedError: the user left at a question.
        SdsetupError: whatever stopped the work.
    """
    screen = session.screen
    show_welcome(screen)
    report = wanted.report = _examined(session, wanted)
    blocking = {finding.id for finding in report.findings if finding.status == "fail"}
    # Another folder is asked for next, and the plan itself says what the network is needed for.
    if blocking - {"network", "disk", "folder", *REPAIRED_BY_INSTALL}:
        screen.line()
        screen.line(Text("Fix the problem above, then run the wizard again."), "warn")
        return EXIT_EXPECTED
    default = report.facts.folder.path if report.facts.folder else str(session.machine.home / "sd-webui")
    wanted.folder = folder or default
    questions: tuple[Callable[[Session, Wanted], int], ...] = (_ask_folder, _ask_model, _ask_start)
    position = 0
    while position < len(questions):
        screen.line()
        position = max(0, position + questions[position](session, wanted))
    assert wanted.decision is not None, "the last question ends with one"
    return _install(session, wanted, wanted.decision)


def _examined(session: Session, wanted: Wanted) -> Report:
    """Look, show, and offer what can be fixed without an administrator."""
    report = examine(session, None)
    show_this_pc(report, session.screen)
    if any(finding.status == "fail" for finding in report.findings) and fix_actions(session, report):
        session.screen.line()
        fixed = offer_fixes(session, report, yes=False)
        if fixed is not report:
            wanted.began = True
            show_this_pc(fixed, session.screen)
        return fixed
    return report


def _ask_folder(session: Session, wanted: Wanted) -> int:
    """The install folder, asked for until one can be used."""
    screen = session.screen
    while True:
        free = _free_bytes(wanted.folder)
        screen.line(
            Text("Install folder ({free} free). Press Enter to accept it. Type q to quit.", free=size(free))
        )
        answer = ask_line(screen, Text("Install folder"), wanted.folder)
        if meaning(answer) == "quit":
            raise DeclinedError(EXIT_DONE)
        problem = _folder_trouble(session, wanted, answer)
        if problem is None:
            return 1
        show_refused(Text("This folder can't be used"), problem, None, screen)
        screen.line()


def _folder_trouble(session: Session, wanted: Wanted, answer: str) -> Text | None:
    """Why an answer is no folder to install into; None when it is, and it is taken then."""
    family, here = session.machine.family, answer.strip().strip('"').strip("'").strip()
    if not here or meaning(answer) is not None or answer.isdecimal():
        return Text("Type the path of a folder, or press Enter to accept {default}.", default=wanted.folder)
    if (problem := typing_problem(here, family)) is not None:
        return problem
    try:
        folder = Path(os.path.normpath(named_path(Path(os.path.expandvars(here)))))
        home = session.machine.home
        problem = place_problem(folder, family=family, home=home, own=_own_folders(session))
        if problem is not None:
            return problem
        facts = inspect(session, folder, subjects=("folder", "disk", "installation"), known=wanted.facts)
    except SdsetupError as error:
        return error.message
    except (OSError, ValueError) as error:  # a name that no system can have
        return Text("{why}.", why=getattr(error, "strerror", None) or str(error))
    problem = folder_problem(facts, requirements_of(session, facts))
    if problem is None:
        wanted.folder = str(folder)
    return problem


def _own_folders(session: Session) -> list[Path]:
    """What an update of sdsetup replaces, and what `clean` removes."""
    package = Path(sdsetup.__file__).resolve().parent
    project = package.parents[1]  # of a source folder, as the starters run it
    found = [data_folder(session.machine.env), session.cache, log.log_folder(session.machine), Path(sys.prefix)]
    return [*found, project if (project / "pyproject.toml").is_file() else package]


def _free_bytes(folder: str) -> int | None:
    for place in (Path(folder), *Path(folder).parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


def _ask_model(session: Session, wanted: Wanted) -> int:
    """Which model is downloaded with it; -1 goes back to the folder."""
    screen = session.screen
    offers = wanted.offers = model_offers(session, wanted, Path(wanted.folder))
    show_models(offers, screen)
    numbers = {str(number): (offer.name,) for number, offer in enumerate(offers, 1)}
    names = {offer.name: number for number, offer in zip(numbers, offers, strict=True)}
    default = names.get(wanted.model or "", "0" if wanted.model is None else "1")
    choices = {**numbers, "0": ("none", "no"), **_BACK_OR_QUIT}
    picked = ask_key(screen, Text("Model (a number; b goes back, q quits)"), choices, default)
    if picked == "q":
        raise DeclinedError(EXIT_DONE)
    if picked == "b":
        return -1
    wanted.model = None if picked == "0" else offers[int(picked) - 1].name
    return 1


def model_offers(session: Session, wanted: Wanted, folder: Path) -> tuple[ModelOffer, ...]:
    """The models of the profile that make images alone, each with what can be said of it here."""
    models = [model for model in session.catalog.models.models.values() if model.alone]
    files = {model.name: fetch_file(model) for model in models}
    if wanted.copies is None:  # the search takes seconds, and another answer changes nothing of it
        wanted.copies = copies_by_size(files.values(), session.context(folder, silent))
    copies = wanted.copies
    fits = _fits(session, wanted)
    offers = []
    for model in models:
        fit = fits.get(model.model_class)
        offers.append(
            ModelOffer(
                name=model.name,
                title=model.title,
                size=model.size,
                answer=None if fit is None else fit.answer,
                because=None if fit is None else fit.because,
                there=_has_size(folder / model.save_as, model.size),
                copy=str(copies[model.name]) if model.name in copies else None,
            )
        )
    return tuple(offers)


def _fits(session: Session, wanted: Wanted) -> dict[str, ModelFit]:
    """Model class -> whether it fits this graphics card."""
    if wanted.report is None:
        return {}
    kinds = session.catalog.fit
    case = situation(wanted.report.facts, session.catalog.rules())
    found = models_that_fit(kinds, case)
    # Without a card's memory the same is said of each: nothing that helps to choose.
    if len({fit.because for fit in found if fit.answer != "elsewhere"}) < 2:
        return {}
    return {kind.id: fit for kind, fit in zip(kinds, found, strict=True)}


def _has_size(path: Path, wanted: int) -> bool:
    try:
        return path.is_file() and path.stat().st_size == wanted
    except OSError:
        return False


def _ask_start(session: Session, wanted: Wanted) -> int:
    """The plan in short, and whether to begin; -1 goes back to the model, -2 to the folder."""
    screen = session.screen
    request = Request(dir=wanted.folder, model=wanted.model, launchers=launcher_kinds(session))
    try:
        decision = wanted.decision = decide(session, request)
    except SdsetupError as error:
        if not error.code.startswith(("folder-", "disk-", "file-", "local-changes", "path-")):
            raise
        show_at_question(error, screen)
        return -2
    title = next((offer.title for offer in wanted.offers if offer.name == wanted.model), None)
    show_plan_in_short(decision.plan, decision.tuning, title, screen)
    screen.line()
    show_warnings(decision.tuning, screen)
    if decision.plan.bytes and _offline(wanted):
        screen.line(Text("The download servers can't be reached, so only the practice run will work now."), "warn")
        screen.line()
    while True:
        show_answers(screen, done=wanted.practised)
        choices = {"y": words_for("yes"), "n": words_for("no"), "p": ("practice", "з"), "d": ("details", "в")}
        match ask_key(screen, Text("Start now?"), {**choices, **_BACK_OR_QUIT}, "n"):
            case "y":
                return 1
            case "b":
                return -1
            case "d":
                screen.line()
                show_plan(decision.plan, screen)
                screen.line()
            case "p":
                _practise(session, wanted)
                screen.line()
            case _:
                raise DeclinedError(EXIT_DONE)


def _offline(wanted: Wanted) -> bool:
    findings = wanted.report.findings if wanted.report is not None else ()
    return any(finding.id == "network" and finding.status == "fail" for finding in findings)


def _practise(session: Session, wanted: Wanted) -> None:
    """The same steps with small stand-ins in a folder of their own; then the question stands again."""
    session.screen.line()
    folder = str(practice_folder(session))
    with with_stand_ins(session, "current") as practice:
        request = Request(dir=folder, model=_DEFAULT_MODEL, launchers=launcher_kinds(session))
        decision = agreed(practice, decide(practice, request), yes=True)
        carry_out_to_image(practice, decision, following=False)
    wanted.practised = True


def _install(session: Session, wanted: Wanted, decision: Decision) -> int:
    decision = agreed(session, decision, yes=True)
    wanted.began = True
    picture = carry_out_to_image(session, decision, following=False)
    return what_next(session, Path(wanted.folder), picture)


def what_next(session: Session, folder: Path, picture: str | None) -> int:
    """Start the web UI, open the image, or be done; leaving at this question is being done."""
    screen = session.screen
    while True:
        screen.line()
        screen.line(Text("s  start the web UI"), indent=2)
        if picture is not None:
            screen.line(Text("o  open the image"), indent=2)
        unlisted = can_add_shortcut(session, folder)
        if unlisted:
            screen.line(Text("m  add it to the menu of programs"), indent=2)
        screen.line(Text("d  done"), indent=2)
        choices: dict[str, tuple[str, ...]] = {"s": ("start", "ы"), "o": ("open", "щ"), "m": ("menu", "ь")}
        if picture is None:
            del choices["o"]
        if not unlisted:
            del choices["m"]
        choices["d"] = ("done", "в", *words_for("quit"), *words_for("no"))
        try:
            answer = ask_key(screen, Text("What next?"), choices, "d")
        except DeclinedError:
            return EXIT_DONE
        if answer == "s":
            return run_launch(session, folder, browser=True)
        if answer == "m":
            run_shortcut(session, folder, place="menu", remove=False, yes=True)
            continue
        if answer == "d" or picture is None:
            return EXIT_DONE
        if not _opened(picture):
            screen.line(Text("No program here opens images. The image is:"))
            screen.command(picture, indent=2)


def _opened(file: str) -> bool:
    # Without a display a browser for text might be taken, and given this terminal.
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    return typer.launch(file) == 0
