"""`sdsetup tune --measure`: try the settings on this card, show what came out, keep the fastest that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sdsetup.catalog.failures import FailureBook
from sdsetup.catalog.measure import MeasureProfile, Pictures
from sdsetup.catalog.tuning import Rules
from sdsetup.command import Command
from sdsetup.decide.measuring.candidates import Measurement, Trial, step_down
from sdsetup.decide.measuring.winner import Key, MeasuringResult, choose, key_for, with_measured
from sdsetup.decide.refusals import refuse_tuning
from sdsetup.decide.tuning.engine import situation, tune
from sdsetup.decide.tuning.main_card import ModelClass
from sdsetup.decide.wanted_settings import launch_settings
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, EXIT_INTERRUPTED, SdsetupError, UsageError
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.measuring import Bench, measure, remember, remembered
from sdsetup.execute.own_files import load_corrections, set_damaged_aside
from sdsetup.machine.answers import CardProgram, CardUse
from sdsetup.machine.card_watch import CardWatch
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.show.document import print_document
from sdsetup.show.measured import measure_json, show_kept, show_measured, show_not_kept, show_stopped
from sdsetup.show.measuring import (
    MeasuringScreen,
    show_before,
    show_holders,
)
from sdsetup.show.plan import show_plan
from sdsetup.show.questions import ask_yes
from sdsetup.text import Text
from sdsetup.values.corrections import Correction, with_corrections
from sdsetup.values.events import Event, Listener
from sdsetup.values.flags import Flag, names_of
from sdsetup.values.layout import state_folder
from sdsetup.values.plan import Plan
from sdsetup.values.tuning import Tuning
from sdsetup.workflows.carrying_out import perform
from sdsetup.workflows.described_machine import MachineOptions
from sdsetup.workflows.inspect import vendors
from sdsetup.workflows.session import AlreadySaid, Session
from sdsetup.workflows.tune import Tuned, card_changes, decide_launch_files, tuned_for


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is measured, and where. `decided`: the flags that candidates differ in, whoever wrote them."""

    tuned: Tuned
    folder: Path
    trial: Trial
    key: Key
    pictures: Pictures
    decided: tuple[str, ...]
    book: FailureBook


def run_measure(session: Session, options: MachineOptions, *, profile: str, yes: bool, again: bool = False) -> int:
    """The whole of it; returns the exit code. Changes nothing but our own memory until the user agrees.

    `again`: what was measured before does not count.

    Raises:
        UsageError: `measure-elsewhere`.
        SdsetupError: `no-installation`, `card-changed`; the web UI cannot be started here.
    """
    setup = _setup(session, options, profile)
    state = state_folder(setup.folder)
    if again:
        remember(state, setup.key, ())
    with CardWatch(setup.trial.tuning.gpu) as watch:
        use, programs = watch.use(), watch.programs()
        _show_before(session, setup, remembered(state, setup.key), use, programs)
        try:
            done = _measured(session, setup, watch)
        except KeyboardInterrupt:
            show_stopped(remembered(state, setup.key), session.screen)
            return AlreadySaid(EXIT_INTERRUPTED)
    verdict = choose(done, setup.trial.profile)
    if not session.json:
        session.screen.line()
        show_measured(done, verdict, session.screen, memory_gib=setup.trial.tuning.memory_gib)
    changed = None if verdict is None else _kept(session, setup, verdict, yes=yes)
    if session.json:
        print_document(measure_json(str(setup.folder), setup.key, done, verdict, use, programs, changed))
    return EXIT_EXPECTED if verdict is None else EXIT_DONE


def _setup(session: Session, options: MachineOptions, profile: str) -> Setup:
    rules, measuring, book = session.catalog.rules(profile), session.catalog.measure, session.catalog.failures
    _refuse_description(options)
    if options.dir is None:
        options = replace(options, dir=session.folder(None))
    tuned = tuned_for(session, options, rules)
    folder = _folder(tuned, options.dir)
    trial = _trial(tuned, environment_in_use(session.machine, folder), folder, rules, measuring, book)
    refuse_tuning(trial.tuning)
    pictures = measuring.pictures_for(trial.tuning.device, trial.tuning.model_class)
    found = tuned.facts.installation
    key = key_for(trial.tuning, found.commit if found else None, pictures)
    return Setup(
        tuned=tuned,
        folder=folder,
        trial=trial,
        # What is installed counts, not what would be chosen today.
        key=replace(key, torch=(found.torch if found else None) or key.torch),
        pictures=pictures,
        decided=_decided(trial),
        book=book,
    )


def _refuse_description(options: MachineOptions) -> None:
    given = {
        "--gpu": options.gpu, "--vram": options.vram, "--os": options.os, "--ram": options.ram,
        "--driver": options.driver, "--facts": options.facts,
    }  # fmt: skip
    if named := [name for name, value in given.items() if value]:
        raise UsageError(
            Text("Only the graphics card in this PC can be measured, not one you describe"),
            where=", ".join(named),
            hint=Text("Remove these options, or remove --measure to see the settings without measuring."),
            code="measure-elsewhere",
        )


def _folder(tuned: Tuned, wanted: Path | None) -> Path:
    if tuned.folder is None or tuned.facts.installation is None:
        raise SdsetupError(
            Text("No web UI in this folder"),
            where=tuned.folder or wanted,
            hint=Text("Pass its folder with --dir, or install it first: sdsetup install"),
            code="no-installation",
        )
    if card_changes(tuned):
        raise SdsetupError(
            Text("The graphics card has changed since installation"),
            where=tuned.folder,
            hint=Text(
                "Update the installation for this card first: {command}",
                command=Command("sdsetup", "tune", "--yes", "--dir", tuned.folder),
            ),
            code="card-changed",
        )
    return tuned.folder


def _trial(
    tuned: Tuned, environment: Path, folder: Path, rules: Rules, measuring: MeasureProfile, book: FailureBook
) -> Trial:
    """What candidates are made from: the rules' choice with what proofs taught, without former measurements."""
    facts = tuned.facts
    model_class: ModelClass = "sdxl" if tuned.tuning.model_class == "sdxl" else "sd15"
    tuning = tune(facts, rules, model_class=model_class)
    tuning = with_corrections(tuning, load_corrections(state_folder(folder)).without_measured())
    if not _has_xformers(environment) and "--xformers" not in tuning.flags:
        # The web UI would install it by itself, in a version of its own choice.
        others = tuple(one for one in measuring.alternatives if "--xformers" not in one.flags)
        measuring = replace(measuring, alternatives=others)
    return Trial(
        tuning=tuning,
        case=situation(facts, rules, model_class=model_class),
        profile=measuring,
        known=rules.known,
        safer=lambda former, cause: step_down(former, cause, book),
    )


def _has_xformers(environment: Path) -> bool:
    places = ("lib/python3*/site-packages/xformers", "Lib/site-packages/xformers")
    return any(any(environment.glob(place)) for place in places)


def _decided(trial: Trial) -> tuple[str, ...]:
    """The rules' flags, and what takes the place of some: ways of attention, and how much memory is saved.

    Other flags that a user wrote stay in every candidate.
    """
    profile, tuning = trial.profile, trial.tuning
    attention = (
        flag
        for one in profile.alternatives
        if one.decides == "attention" and one.when.holds(trial.case.values)
        for flag in one.flags
    )
    saves = tuning.device in profile.memory_devices
    memory = (flag for rungs in profile.memory.values() for rung in rungs for flag in rung if saves)
    return tuple(dict.fromkeys((*tuning.flags, *attention, *memory)))


def _show_before(
    session: Session,
    setup: Setup,
    done: Sequence[Measurement],
    use: CardUse,
    programs: tuple[CardProgram, ...] | None,
) -> None:
    if session.quiet:
        return
    gpu, pictures = setup.trial.tuning.gpu, setup.pictures
    on_card = gpu is not None and setup.trial.tuning.device not in ("cpu", "none")
    card = Text("{name}", name=gpu.name or gpu.vendor) if gpu is not None and on_card else Text("the CPU")
    where = Text(
        "{count} images of {width} x {height} pixels with {steps} steps each",
        count=pictures.warm_up + pictures.count, width=pictures.width, height=pictures.height,
        steps=pictures.steps,
    )  # fmt: skip
    show_before(card, where, setup.trial, done, session.screen, dir=str(setup.folder))
    if on_card:
        memory = setup.trial.tuning.memory_gib
        show_holders(use, programs, setup.trial.profile.margin, session.screen, memory_gib=memory)


def _measured(session: Session, setup: Setup, watch: CardWatch) -> tuple[Measurement, ...]:
    context = session.context(setup.folder)
    settings = launch_settings(setup.trial.tuning, setup.tuned.facts.recorded, setup.trial.known)
    settings = replace(settings, flags=())  # each candidate brings its own
    with (
        folder_lock(context.dir, context.cache, waiting=session.screen.line),
        MeasuringScreen(setup.trial, session.screen) as shown,
    ):
        for said in set_damaged_aside(context.state):
            session.screen.line(said, "warn")
        bench = Bench(
            context=context,
            key=setup.key,
            pictures=setup.pictures,
            settings=settings,
            decided=setup.decided,
            book=setup.book,
            gauge=watch,
            told=shown,
            spill_bytes=setup.trial.profile.spill_bytes,
            unused=setup.trial.profile.unused,
            vendors=vendors(setup.tuned.facts),
        )
        return measure(setup.trial, bench)


def _kept(session: Session, setup: Setup, verdict: MeasuringResult, *, yes: bool) -> list[Path] | None:
    """Write the winner into the launch file and remember why; None when the user does not want it."""
    tuning = with_measured(setup.trial.tuning, verdict)
    dropped = names_of(flag for flag in setup.decided if flag not in tuning.flags)
    decision = decide_launch_files(session, setup.folder, tuning, setup.tuned.facts, also_drop=dropped)
    own = [flag for flag in setup.tuned.own_flags if Flag.parse(flag).name in dropped]
    if own and not session.quiet:
        session.screen.line(
            Text(
                "Your own {flags} will be removed from the launch file because it conflicts with the measured"
                " settings.",
                flags=" ".join(own),
            ),
            "warn",
        )
    if decision.plan.todo and not yes:
        if session.json or not session.screen.interactive:
            show_not_kept(str(setup.folder), session.screen)
            return None
        session.screen.line()
        show_plan(decision.plan, session.screen)
        if not ask_yes(session.screen, Text("Write these settings to the launch file?")):
            show_not_kept(str(setup.folder), session.screen)
            return None
    correction = lesson_of(setup.trial.tuning, setup.decided, verdict)
    _, results = perform(session, decision, _silent, (correction,))
    # A step that was done already answers with what it did then.
    fresh = [results[step.id] for step in decision.plan.todo]
    changed = [Path(result["path"]) for result in fresh if result.get("changed")]
    if not session.json and not session.quiet:
        show_kept(changed, str(setup.folder), session.screen)
    return changed


def lesson_of(tuning: Tuning, decided: Sequence[str], verdict: MeasuringResult) -> Correction:
    """What the next plan is to know: the flags that were measured, whatever the rules say by then."""
    won = verdict.winner.candidate.flags
    differs = {*decided, *(flag for flag in won if flag not in tuning.flags)}
    return Correction(
        because=verdict.because,
        add_flags=tuple(flag for flag in won if flag in differs),
        drop_flags=tuple(flag for flag in decided if flag not in won),
        measured=True,
    )


@contextmanager
def _silent(_plan: Plan) -> Iterator[Listener]:
    def hear(_event: Event) -> None:
        return

    yield hear
