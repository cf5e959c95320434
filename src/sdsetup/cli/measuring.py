"""`sdsetup tune --measure`: try the settings on this card, show what came out, keep the fastest that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import AlreadySaid, Session
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, EXIT_INTERRUPTED, SdsetupError, UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.cli.answering import Answer, Question
    from sdsetup.cli.tuning import Rules
    from sdsetup.decide.events import Event, Listener
    from sdsetup.decide.learned import Lesson
    from sdsetup.decide.plan import Plan
    from sdsetup.decide.profiles.failures import FailureBook
    from sdsetup.decide.profiles.measure import MeasureProfile, Pictures
    from sdsetup.decide.tuning.measured import Key, Verdict
    from sdsetup.decide.tuning.measuring import Measurement, Trial
    from sdsetup.decide.tuning.values import Tuning
    from sdsetup.machine.answers_nvml import CardProgram, CardUse
    from sdsetup.machine.card_watch import CardWatch


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is measured, and where. `decided`: the flags that candidates differ in, whoever wrote them."""

    answer: Answer
    folder: Path
    trial: Trial
    key: Key
    pictures: Pictures
    decided: tuple[str, ...]
    book: FailureBook


def run_measure(session: Session, question: Question, *, profile: str, yes: bool, again: bool = False) -> int:
    """The whole of it; returns the exit code. Changes nothing but our own memory until the person agrees.

    `again`: what was measured before does not count.

    Raises:
        UsageError: `measure-elsewhere`.
        SdsetupError: `no-installation`, `card-changed`; the web UI cannot be started here.
    """
    from sdsetup.decide.tuning.measured import choose
    from sdsetup.execute.measuring import remember, remembered
    from sdsetup.machine.card_watch import CardWatch
    from sdsetup.show.measuring import show_stopped

    setup = _setup(session, question, profile)
    state = setup.folder / ".sdsetup"
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
        from sdsetup.show.tuning_measured import show_measured

        session.screen.line()
        show_measured(done, verdict, session.screen)
    changed = None if verdict is None else _kept(session, setup, verdict, yes=yes)
    if session.json:
        from sdsetup.show.document import print_document
        from sdsetup.show.measuring import measure_json

        print_document(measure_json(str(setup.folder), setup.key, done, verdict, use, programs, changed))
    return EXIT_EXPECTED if verdict is None else EXIT_DONE


def _setup(session: Session, question: Question, profile: str) -> Setup:
    from sdsetup.cli.answering import answer_for
    from sdsetup.cli.tuning import load_rules
    from sdsetup.decide.profiles.failures import parse_failures
    from sdsetup.decide.profiles.measure import parse_measure
    from sdsetup.decide.refusals import refuse_tuning
    from sdsetup.decide.tuning.measured import key_for

    rules = load_rules(session.profiles, profile)
    measuring = parse_measure(session.profiles.raw("measure"), "measure.toml", rules.known)
    book = parse_failures(session.profiles.raw("failures"), "failures.toml")
    _refuse_suppositions(question)
    if question.dir is None:
        from sdsetup.cli.folders import chosen_folder

        question = replace(question, dir=chosen_folder(session, None))
    answer = answer_for(session, question, rules)
    folder = _folder(answer, question.dir)
    trial = _trial(answer, folder, rules, measuring, book)
    refuse_tuning(trial.tuning)
    pictures = measuring.pictures_for(trial.tuning.device, trial.tuning.model_class)
    found = answer.facts.installation
    key = key_for(trial.tuning, found.commit if found else None, pictures)
    return Setup(
        answer=answer,
        folder=folder,
        trial=trial,
        # What is installed counts, not what would be chosen today.
        key=replace(key, torch=(found.torch if found else None) or key.torch),
        pictures=pictures,
        decided=_decided(trial),
        book=book,
    )


def _refuse_suppositions(question: Question) -> None:
    given = {
        "--gpu": question.gpu, "--vram": question.vram, "--os": question.os, "--ram": question.ram,
        "--driver": question.driver, "--facts": question.facts,
    }  # fmt: skip
    if options := [name for name, value in given.items() if value]:
        raise UsageError(
            Text("Only the card in this PC can be measured, not one that is supposed"),
            where=", ".join(options),
            hint=Text("Leave these options out, or leave out --measure to see what the rules say."),
            code="measure-elsewhere",
        )


def _folder(answer: Answer, wanted: Path | None) -> Path:
    from sdsetup.cli.changing import card_changes

    if answer.folder is None or answer.facts.installation is None:
        raise SdsetupError(
            Text("There is no web UI in this folder"),
            where=answer.folder or wanted,
            hint=Text("Install it first (sdsetup install), or give its folder with --dir."),
            code="no-installation",
        )
    if card_changes(answer):
        raise SdsetupError(
            Text("The card is another one than this installation was made for"),
            where=answer.folder,
            hint=Text('First make it fit: sdsetup tune --yes --dir "{dir}"', dir=answer.folder),
            code="card-changed",
        )
    return answer.folder


def _trial(answer: Answer, folder: Path, rules: Rules, measuring: MeasureProfile, book: FailureBook) -> Trial:
    """What candidates are made from: the rules' choice with what proofs taught, without former measurements."""
    from sdsetup.decide.learned import with_lessons
    from sdsetup.decide.tuning.engine import situation, tune
    from sdsetup.decide.tuning.measuring import Trial
    from sdsetup.decide.tuning.steps import step_down
    from sdsetup.execute.own_files import load_learned

    asked = (answer.facts, rules.profile, rules.gpus, rules.builds)
    model_class = "sdxl" if answer.tuning.model_class == "sdxl" else "sd15"
    tuning = tune(*asked, model_class=model_class)  # type: ignore[arg-type]
    tuning = with_lessons(tuning, load_learned(folder / ".sdsetup").without_measured())
    if not _has_xformers(folder) and "--xformers" not in tuning.flags:
        # The web UI would install it by itself, in a version of its own choice.
        others = tuple(one for one in measuring.alternatives if "--xformers" not in one.flags)
        measuring = replace(measuring, alternatives=others)
    return Trial(
        tuning=tuning,
        case=situation(*asked, model_class=model_class),  # type: ignore[arg-type]
        profile=measuring,
        known=rules.known,
        safer=lambda former, cause: step_down(former, cause, book),
    )


def _has_xformers(folder: Path) -> bool:
    places = ("lib/python3*/site-packages/xformers", "Lib/site-packages/xformers")
    return any(any((folder / "venv").glob(place)) for place in places)


def _decided(trial: Trial) -> tuple[str, ...]:
    """The rules' flags, and what takes the place of some: ways of attention, and how much memory is saved.

    Other flags that a person wrote stay in every candidate.
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
    from sdsetup.show.measuring import show_before, show_holders

    if session.quiet:
        return
    gpu, pictures = setup.trial.tuning.gpu, setup.pictures
    on_card = gpu is not None and setup.trial.tuning.device not in ("cpu", "none")
    card = Text("{name}", name=gpu.name or gpu.vendor) if gpu is not None and on_card else Text("the processor")
    where = Text(
        "{count} pictures of {width} x {height} points in {steps} steps",
        count=pictures.warm_up + pictures.count, width=pictures.width, height=pictures.height,
        steps=pictures.steps,
    )  # fmt: skip
    show_before(card, where, setup.trial, done, session.screen, dir=str(setup.folder))
    if on_card:
        show_holders(use, programs, setup.trial.profile.margin, session.screen)


def _measured(session: Session, setup: Setup, watch: CardWatch) -> tuple[Measurement, ...]:
    from sdsetup.cli.lessons import context_of, vendors
    from sdsetup.decide.fingerprint import left_over
    from sdsetup.decide.launcher import Settings
    from sdsetup.execute.lock import folder_lock
    from sdsetup.execute.measuring import Bench, measure
    from sdsetup.execute.own_files import set_damaged_aside
    from sdsetup.show.measuring import MeasuringScreen

    context = context_of(session, setup.folder)
    tuning = setup.trial.tuning
    drop_flags, drop_env = left_over(setup.answer.facts.recorded, tuning.flags, dict(tuning.env))
    settings = Settings(
        env=tuning.env,
        drop_flags=drop_flags,
        drop_env=drop_env,
        exclusive=setup.trial.known.exclusive_groups,
    )
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
            vendors=vendors(setup.answer.facts),
        )
        return measure(setup.trial, bench)


def _kept(session: Session, setup: Setup, verdict: Verdict, *, yes: bool) -> list[Path] | None:
    """Write the winner into the launch file and remember why; None when the person does not want it."""
    from sdsetup.cli.applying import prepare_launchers
    from sdsetup.cli.installing import perform
    from sdsetup.decide.tuning.measured import with_measured
    from sdsetup.show.measuring import show_kept, show_not_kept

    tuning = with_measured(setup.trial.tuning, verdict)
    dropped = tuple(flag.split(" ", 1)[0] for flag in setup.decided if flag not in tuning.flags)
    prepared = prepare_launchers(session, setup.folder, tuning, drop_flags=dropped)
    own = [flag for flag in setup.answer.own_flags if flag.split(" ", 1)[0] in dropped]
    if own and not session.quiet:
        session.screen.line(
            Text(
                "Your own {flags} comes out of the launch file: it goes against what was measured.",
                flags=" ".join(own),
            ),
            "warn",
        )
    if prepared.plan.todo and not yes:
        if session.json or not session.screen.interactive:
            show_not_kept(str(setup.folder), session.screen)
            return None
        from sdsetup.show.plan import show_plan
        from sdsetup.show.questions import ask_yes

        session.screen.line()
        show_plan(prepared.plan, session.screen)
        if not ask_yes(session.screen, Text("Write this into the launch file?")):
            show_not_kept(str(setup.folder), session.screen)
            return None
    lesson = lesson_of(setup.trial.tuning, setup.decided, verdict)
    _, results = perform(session, prepared, _silent, (lesson,))
    # A step that was done already answers with what it did then.
    fresh = [results[step.id] for step in prepared.plan.todo]
    changed = [Path(result["path"]) for result in fresh if result.get("changed")]
    if not session.json and not session.quiet:
        show_kept(changed, str(setup.folder), session.screen)
    return changed


def lesson_of(tuning: Tuning, decided: Sequence[str], verdict: Verdict) -> Lesson:
    """What the next plan is to know: the flags that were measured, whatever the rules say by then."""
    from sdsetup.decide.learned import Lesson

    won = verdict.winner.candidate.flags
    differs = {*decided, *(flag for flag in won if flag not in tuning.flags)}
    return Lesson(
        because=str(verdict.because),
        add_flags=tuple(flag for flag in won if flag in differs),
        drop_flags=tuple(flag for flag in decided if flag not in won),
        measured=True,
    )


@contextmanager
def _silent(_plan: Plan) -> Iterator[Listener]:
    def hear(_event: Event) -> None:
        return

    yield hear
