"""From a decision to a finished plan: consent, the work under the folder's lock, and what is next.

`install`, the wizard, `tune` and the benchmark share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdsetup import __version__
from sdsetup.decide.record import of_launch_file, record_of
from sdsetup.errors import EXIT_DONE, DeclinedError, SdsetupError, UsageError, file_problem
from sdsetup.execute import extensions, undo
from sdsetup.execute.environment.places import starts
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.own_files import load_corrections, load_machine, set_damaged_aside
from sdsetup.execute.runner import Runner
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.show.done import show_done
from sdsetup.show.live import JsonLines, Live
from sdsetup.show.plan import show_plan
from sdsetup.show.questions import ask_yes
from sdsetup.storage import write_json
from sdsetup.text import Text
from sdsetup.values.corrections import Correction, card_name, with_corrections
from sdsetup.values.events import Listener, silent
from sdsetup.values.facts import Facts
from sdsetup.values.install_record import to_json
from sdsetup.values.layout import PRACTICE_MARK, python_in, state_folder
from sdsetup.values.plan import BuildEnvironment, Plan, ProvePicture
from sdsetup.values.request import Request
from sdsetup.values.tuning import Tuning
from sdsetup.workflows import folder_memory, log, registry
from sdsetup.workflows.inspect import inspect
from sdsetup.workflows.session import Session

PINNED = "pinned"  # as --ref: back to the commit of the profile

Results = Mapping[str, Mapping[str, Any]]  # of each step, by its id


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Everything decided, nothing done.

    `again` decides anew: after another run has changed the folder, or with facts that turned out otherwise.
    """

    facts: Facts
    request: Request
    tuning: Tuning
    plan: Plan
    again: Callable[..., Decision]  # (facts: Facts | None = None)


def consent(session: Session, *, yes: bool, dry_run: bool = False) -> None:
    """Ask whether to go on; Enter is the safe answer. `dry_run`: the command has that option too.

    Raises:
        UsageError: `consent-needed` where nobody can answer.
        DeclinedError: the answer was no.
    """
    if yes:
        return
    if session.json or not session.screen.interactive:
        raise UsageError(
            Text("Confirmation needed: add --yes"),
            hint=Text("Add --yes to continue without a question, or --dry-run to only see the plan.")
            if dry_run
            else Text("Add --yes to continue without a question."),
            code="consent-needed",
        )
    if not ask_yes(session.screen, Text("Proceed?")):
        raise DeclinedError


def agreed(session: Session, decision: Decision, *, yes: bool, dry_run: bool = False) -> Decision:
    """Ask for consent, then whether the environment that looks whole starts; what is true then.

    Looking runs nothing of the folder, so the plan takes an environment with all its files for finished. One
    that does not start is planned again, shown, and asked about once more. With nothing to do and no
    `--yes` there was no consent to run anything, and nothing is run.

    Raises:
        UsageError: `consent-needed` where nobody can answer.
        DeclinedError: the answer was no.
    """
    if decision.plan.todo:
        consent(session, yes=yes, dry_run=dry_run)
    elif not yes:
        return decision
    if _environment_starts(session, decision):
        return decision
    there = decision.facts.installation
    assert there is not None, "an environment that is done stands in an installation"
    again = decision.again(replace(decision.facts, installation=replace(there, environment_python=None)))
    if not session.json:
        session.screen.line(Text("The Python environment does not start, so it will be rebuilt."), "warn")
        if not session.quiet:
            show_plan(again.plan, session.screen)
    consent(session, yes=yes, dry_run=dry_run)
    return again


def _environment_starts(session: Session, decision: Decision) -> bool:
    """Whether the environment of a plan that leaves it alone starts; True where it is built anyway."""
    if not any(isinstance(s.action, BuildEnvironment) and s.state == "done" for s in decision.plan.steps):
        return True
    folder = Path(decision.request.dir)
    return starts(
        python_in(environment_in_use(session.machine, folder), session.machine.family),
        session.context(folder, silent),
    )


def carry_out(session: Session, decision: Decision) -> int:
    """Do the plan, remember the machine, say what is next.

    Raises:
        SdsetupError: the step that failed; what was finished before it is kept.
    """
    carry_out_to_image(session, decision)
    return EXIT_DONE


def carry_out_to_image(session: Session, decision: Decision, *, following: bool = True) -> str | None:
    """The same; returns the path of the test image, None where none was made. `following`: the commands that come
    next are shown.

    Raises:
        SdsetupError: the step that failed; what was finished before it is kept.
    """
    done, results = perform(session, decision, lambda plan: _listener(session, plan))
    if not session.json:
        show_done(done.plan, done.tuning, results, session.screen, following=following)
    image = results.get("picture", {}).get("picture")
    return None if image is None else str(image)


def perform(
    session: Session,
    decision: Decision,
    listening: Callable[[Plan], AbstractContextManager[Listener]],
    corrections: Sequence[Correction] = (),
) -> tuple[Decision, Results]:
    """Do the plan under the folder's lock with a point to come back to; the plan as it was done, and results.

    `corrections`: what the plan was made with and what is to be remembered; kept before the first step.

    Raises:
        SdsetupError: the step that failed; what was finished before it is kept.
    """
    log.changes()
    waited: list[Text] = []

    def waiting(text: Text) -> None:
        waited.append(text)
        session.screen.line(text)

    folder = Path(decision.request.dir)
    with folder_lock(folder, session.cache, waiting=waiting):
        for said in set_damaged_aside(state_folder(folder)):
            session.screen.line(said, "warn")
        finished = undo.finish(session.context(folder, silent))
        if finished:
            session.screen.line(Text("An interrupted change was completed first."))
        for name in extensions.set_back(session.context(folder, silent)):  # an update of them was interrupted
            session.screen.line(Text("The extension {name} is back at its previous version.", name=name))
        if (waited and not corrections) or finished:  # the folder is another one than the plan was made for
            decision = decision.again()
        with listening(decision.plan) as listen:
            context = session.context(folder, listen)
            if decision.plan.todo:
                if session.practising:
                    write_json(context.state / PRACTICE_MARK, {"schema": "sdsetup.rehearsal/1"})
                # So that `sdsetup undo` can come back to here.
                undo.stage(context, "install" if decision.request.environment else "settings")
            card = card_name(decision.tuning.gpu)
            runner = Runner(decision.plan, context, card=card, undo=undo)
            for correction in corrections:
                runner.learn(correction)
            with _said_to_be_under_way(folder, decision):
                results = runner.run()
        _remember_machine(session, decision)
        pictured = any(isinstance(step.action, ProvePicture) for step in decision.plan.todo)
        registry.note(session.machine, folder, pictured=pictured)
    return decision, results


@contextmanager
def _said_to_be_under_way(folder: Path, decision: Decision) -> Iterator[None]:
    """Of a whole installation the folder remembers that it was begun; one that ends well is trusted again."""
    request = decision.request
    if not request.environment:
        yield
        return
    if request.ref is not None:
        folder_memory.choose_ref(folder, None if request.ref == PINNED else request.ref)
    if not decision.plan.todo:
        yield
        return
    with folder_memory.under_way(folder, request):
        yield
    folder_memory.trust(folder)


@contextmanager
def _listener(session: Session, plan: Plan) -> Iterator[Listener]:
    """Bars or plain lines for people; JSON lines, the last one telling how it ended, for programs."""
    if not session.json:
        with Live(plan, session.screen) as live:
            yield live.listen
        return
    lines = JsonLines()
    try:
        yield lines.listen
    except (SdsetupError, OSError) as error:
        problem = error if isinstance(error, SdsetupError) else file_problem(error, plan.dir)
        lines.write({"event": "done", "ok": False, "code": problem.code, "text": str(problem.message)})
        problem.announced = True
        if problem is error:
            raise
        raise problem from error
    except BaseException:
        lines.write({"event": "done", "ok": False, "code": "interrupted"})
        raise
    lines.write({"event": "done", "ok": True})


def _remember_machine(session: Session, decision: Decision) -> None:
    """What this installation was made for, so that a new card is noticed; versions are those on the disk.

    Also where nothing was left to do: the run that did it may have been cut off before it came to this.
    """
    folder = Path(decision.request.dir)
    state = state_folder(folder)
    there = inspect(session, folder, subjects=("installation",)).installation
    tuning = with_corrections(decision.tuning, load_corrections(state))
    versions = {"sdsetup": __version__}
    if there is not None and there.commit is not None:
        versions["webui"] = there.commit
    then = load_machine(state)
    if decision.request.environment:
        now = record_of(replace(decision.facts, installation=there), tuning, versions)
    else:
        # Only the launch file was written: the environment is the one that another run, or somebody else, made.
        now = of_launch_file(then, there, tuning, versions)
    if then is None or to_json(now) != to_json(then):  # as they are stored: the file has its own order
        write_json(state / "machine.json", to_json(now))
