"""What `install`, the wizard and `tune --apply` share: look, decide, show, ask, carry out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdsetup.cli.session import Session
from sdsetup.decide.facts import Facts
from sdsetup.decide.plan import Plan
from sdsetup.decide.planning import Knowledge, plan_install
from sdsetup.decide.request import LauncherKind, Request
from sdsetup.decide.tuning.values import Tuning
from sdsetup.errors import EXIT_DONE, DeclinedError, SdsetupError, UsageError, file_problem
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.events import Listener
    from sdsetup.decide.learned import Lesson
    from sdsetup.decide.present import Present
    from sdsetup.execute.context import Context

PRACTICE_MARK = "rehearsal.json"  # below .sdsetup: this folder holds a practice run's stand-ins

Results = Mapping[str, Mapping[str, Any]]  # of each step, by its id


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The options of `install` as they were given."""

    dir: Path | None = None
    model: str | None = None
    ref: str | None = None
    full_history: bool = False
    launcher: str = "auto"
    picture: bool = True
    profile: str = "current"
    dry_run: bool = False
    yes: bool = False


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything decided, nothing done."""

    facts: Facts
    request: Request
    profile: str
    tuning: Tuning
    knowledge: Knowledge
    plan: Plan


def run_install(session: Session, wish: Wish) -> int:
    """The whole of `sdsetup install`; returns the exit code.

    Raises:
        SdsetupError: whatever stopped it, before or during the work.
    """
    request = to_request(session, wish)
    prepared = prepare(session, request, profile=wish.profile)
    if wish.dry_run:
        _show_dry_run(session, prepared)
        return EXIT_DONE
    if not session.json and not session.quiet:
        _show_decision(session, prepared)
    if prepared.plan.todo:
        consent(session, yes=wish.yes, dry_run=True)
    return carry_out(session, prepared)


def to_request(session: Session, wish: Wish) -> Request:
    """The wish with its defaults filled in.

    Raises:
        UsageError: an option that cannot be meant.
    """
    from sdsetup.cli.folders import chosen_folder

    return Request(
        dir=str(chosen_folder(session, wish.dir)),
        model=wish.model,
        ref=wish.ref,
        launchers=launcher_kinds(wish.launcher, session),
        full_history=wish.full_history,
        picture=wish.picture,
    )


def launcher_kinds(chosen: str, session: Session) -> tuple[LauncherKind, ...]:
    """Which launch files are written: the platform's own, one by name, or both.

    Raises:
        UsageError: `launcher-unknown`.
    """
    own: LauncherKind = "bat" if session.machine.family == "windows" else "sh"
    choices: dict[str, tuple[LauncherKind, ...]] = {
        "auto": (own,),
        "bat": ("bat",),
        "sh": ("sh",),
        "both": ("bat", "sh"),
    }
    if chosen not in choices:
        raise UsageError(
            Text("There is no launch file kind {kind}", kind=chosen),
            hint=Text("Use one of: {kinds}.", kinds=", ".join(choices)),
            code="launcher-unknown",
        )
    return choices[chosen]


def prepare(session: Session, request: Request, *, profile: str, facts: Facts | None = None) -> Prepared:
    """Look and decide; changes nothing.

    Raises:
        SdsetupError: a bad profile, an unknown model, a folder or disk that cannot be used.
    """
    from sdsetup.cli.doctor import need_of, read_profile
    from sdsetup.cli.knowledge import known, tuned
    from sdsetup.decide.checks import diagnose
    from sdsetup.decide.learned import with_lessons
    from sdsetup.decide.refusals import refuse, refuse_machine, refuse_mixing, refuse_move, refuse_tuning
    from sdsetup.execute.own_files import load_journal, load_learned
    from sdsetup.probe import gather
    from sdsetup.probe.present import look

    folder = Path(request.dir)
    state = folder / ".sdsetup"
    found = facts or gather(session.machine, folder)
    need = need_of(read_profile(session), found)
    if session.banner is None:
        refuse_machine(diagnose(found, need))
    facts = session.adjust(found)
    tuning = with_lessons(tuned(session.profiles, _without_environment(found), profile), load_learned(state))
    refuse_tuning(tuning)
    knowledge = known(session, request, facts, tuning)
    files = [file.save_as for file in knowledge.files]
    present = look(
        folder,
        repositories=[f"repositories/{repository.name}" for repository in knowledge.webui.repositories],
        files=files,
        launch_files=request.launchers,
        tools=Path(knowledge.tools),
    )
    tuning = _with_own_flags(session, folder, facts, tuning, present)
    plan = plan_install(facts, request, tuning, knowledge, load_journal(state), present)
    practised = (state / PRACTICE_MARK).is_file()
    refuse_mixing(facts, request.dir, practised=practised, practising=session.banner is not None)
    refuse_move(facts, request.dir, knowledge.webui.commit)
    refuse(facts, plan, git_command=need.commands_for(facts).git)
    return Prepared(facts=facts, request=request, profile=profile, tuning=tuning, knowledge=knowledge, plan=plan)


def _with_own_flags(session: Session, folder: Path, facts: Facts, tuning: Tuning, present: Present) -> Tuning:
    """The tuning with what has to be said, before anybody agrees, of the person's flags in the launch files."""
    from sdsetup.cli.own_flags import own_flags_of
    from sdsetup.decide.profiles.flags import parse_flags

    known = parse_flags(session.profiles.raw("flags"), "flags.toml")
    said = [
        warning
        for kind, content in present.launch_files.items()
        for warning in own_flags_of(session, folder, facts, tuning, known, kind=kind, content=content)[1]
    ]
    return replace(tuning, warnings=(*tuning.warnings, *said))


def _without_environment(facts: Facts) -> Facts:
    """An environment that is there may be of a Python that fits nothing: it is made again then."""
    if facts.installation is None:
        return facts
    return replace(facts, installation=replace(facts.installation, environment_python=None))


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
            Text("This would change your PC, and nobody is there to agree"),
            hint=Text("Add --yes to go on without a question, or --dry-run to see the plan only.")
            if dry_run
            else Text("Add --yes to go on without a question."),
            code="consent-needed",
        )
    from sdsetup.show.questions import ask_yes

    if not ask_yes(session.screen, Text("Go on with this?")):
        raise DeclinedError


def carry_out(session: Session, prepared: Prepared) -> int:
    """Do the plan, remember the machine, say what is next.

    Raises:
        SdsetupError: the step that failed; what was finished before it is kept.
    """
    done, results = perform(session, prepared, lambda plan: _listener(session, plan))
    if not session.json:
        from sdsetup.show.done import show_done

        show_done(done.plan, done.tuning, results, session.screen)
    return EXIT_DONE


def perform(
    session: Session,
    prepared: Prepared,
    listening: Callable[[Plan], AbstractContextManager[Listener]],
    lessons: Sequence[Lesson] = (),
) -> tuple[Prepared, Results]:
    """Do the plan under the folder's lock with a point to come back to; the plan as it was done, and results.

    `lessons`: what the plan was made with and what is to be remembered; kept before the first step.

    Raises:
        SdsetupError: the step that failed; what was finished before it is kept.
    """
    from sdsetup.decide.learned import card_name
    from sdsetup.execute.lock import folder_lock
    from sdsetup.execute.own_files import set_damaged_aside
    from sdsetup.execute.runner import Runner
    from sdsetup.execute.undo import keep_staged, stage
    from sdsetup.storage import cache_folder, write_json

    waited: list[Text] = []

    def waiting(text: Text) -> None:
        waited.append(text)
        session.screen.line(text)

    folder = Path(prepared.request.dir)
    with folder_lock(folder, cache_folder(session.machine.env), waiting=waiting):
        for said in set_damaged_aside(folder / ".sdsetup"):
            session.screen.line(said, "warn")
        if waited and not lessons:  # the other run may have done it all
            prepared = prepare(session, prepared.request, profile=prepared.profile)
        with listening(prepared.plan) as listen:
            context = context_for(session, prepared, listen)
            if prepared.plan.todo:
                if session.banner is not None:
                    write_json(folder / ".sdsetup" / PRACTICE_MARK, {"schema": "sdsetup.rehearsal/1"})
                stage(context)  # so that `sdsetup undo` can come back to here
            card = card_name(prepared.tuning.gpu)
            runner = Runner(prepared.plan, context, card=card, changed=lambda: keep_staged(context))
            for lesson in lessons:
                runner.learn(lesson)
            results = runner.run()
        _remember_machine(prepared)
    return prepared, results


def context_for(session: Session, prepared: Prepared, listen: Listener) -> Context:
    from sdsetup.execute.context import Context
    from sdsetup.storage import cache_folder

    return Context(
        dir=Path(prepared.request.dir),
        tools=Path(prepared.knowledge.tools),
        cache=cache_folder(session.machine.env),
        machine=session.machine,
        profiles=session.profiles,
        listen=listen,
    )


@contextmanager
def _listener(session: Session, plan: Plan) -> Iterator[Listener]:
    """Bars or plain lines for people; JSON lines, the last one telling how it ended, for programs."""
    from sdsetup.show.live import JsonLines, Live

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


def _show_decision(session: Session, prepared: Prepared) -> None:
    from sdsetup.show.plan import show_plan, show_warnings

    show_warnings(prepared.tuning, session.screen)
    show_plan(prepared.plan, session.screen)


def _show_dry_run(session: Session, prepared: Prepared) -> None:
    if session.json:
        from sdsetup.show.document import print_document
        from sdsetup.show.plan import plan_json

        print_document(plan_json(prepared.plan))
    else:
        _show_decision(session, prepared)
        session.screen.line()
        session.screen.line(Text("This was a dry run: nothing was changed."))


def _remember_machine(prepared: Prepared) -> None:
    """What this installation was made for, so that a new card is noticed.

    Also where nothing was left to do: the run that did it may have been cut off before it came to this.
    """
    from sdsetup import __version__
    from sdsetup.decide.fingerprint import fingerprint, to_json
    from sdsetup.decide.learned import with_lessons
    from sdsetup.execute.own_files import load_learned, load_machine
    from sdsetup.storage import write_json

    state = Path(prepared.request.dir) / ".sdsetup"
    tuning = with_lessons(prepared.tuning, load_learned(state))
    versions = {"sdsetup": __version__, "webui": prepared.knowledge.webui.commit}
    now = fingerprint(prepared.facts, tuning, versions)
    then = load_machine(state)
    if not prepared.request.environment and then is not None:
        # Only the launch file was written: the environment is still the one made for that card.
        now = replace(then, profile=now.profile, flags=now.flags, env=now.env)
    if then is None or to_json(now) != to_json(then):  # as they are stored: the file has its own order
        write_json(state / "machine.json", to_json(now))
