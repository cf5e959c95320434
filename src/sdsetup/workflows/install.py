"""`sdsetup install`: look, decide, show, ask, do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.catalog.models import find_model
from sdsetup.decide.checks import diagnose
from sdsetup.decide.checks.tools import best_python
from sdsetup.decide.condition import environment_given_up
from sdsetup.decide.kit import with_fallbacks_of
from sdsetup.decide.planning import Components, plan_install
from sdsetup.decide.refusals import refuse, refuse_machine, refuse_mixing, refuse_running, refuse_tuning
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.wanted_settings import launch_settings
from sdsetup.errors import EXIT_DONE, UsageError
from sdsetup.execute.own_files import load_corrections, load_journal
from sdsetup.probe.contents import look
from sdsetup.show.document import print_document
from sdsetup.show.plan import plan_json, show_plan, show_warnings
from sdsetup.text import Text
from sdsetup.values.corrections import with_corrections
from sdsetup.values.facts import Facts
from sdsetup.values.layout import PRACTICE_MARK, state_folder
from sdsetup.values.request import LauncherKind, Request
from sdsetup.workflows.carrying_out import PINNED, Decision, agreed, carry_out
from sdsetup.workflows.doctor import requirements_of
from sdsetup.workflows.folder_memory import chosen_ref
from sdsetup.workflows.inspect import beside_own, inspect
from sdsetup.workflows.session import Session

if TYPE_CHECKING:
    from sdsetup.workflows.kit_install import OpenKit


def run_install(
    session: Session,
    request: Request,
    *,
    profile: str = "current",
    dry_run: bool = False,
    yes: bool = False,
    kit: OpenKit | None = None,
) -> int:
    """The whole of `sdsetup install`; returns the exit code. `kit`: what everything is taken from.

    Raises:
        SdsetupError: whatever stopped it, before or during the work.
    """
    decision = decide(session, request, profile=profile)
    if kit is not None:
        kit.refuse_missing(decision)
    if dry_run and session.json:
        print_document(plan_json(decision.plan))
        return EXIT_DONE
    if dry_run or not (session.json or session.quiet):
        show_decision(session, decision)
    if dry_run:
        session.screen.line()
        session.screen.line(Text("Dry run: nothing was changed."))
        return EXIT_DONE
    decision = agreed(session, decision, yes=yes, dry_run=True)
    if kit is not None:
        kit.bring_repositories(decision)
    return carry_out(session, decision)


def show_decision(session: Session, decision: Decision) -> None:
    show_warnings(decision.tuning, session.screen)
    show_plan(decision.plan, session.screen)


def launcher_kinds(session: Session, chosen: str = "auto") -> tuple[LauncherKind, ...]:
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
            Text("{kind} is not a launch file type", kind=chosen),
            hint=Text("Use one of: {kinds}.", kinds=", ".join(choices)),
            code="launcher-unknown",
        )
    return choices[chosen]


def decide(
    session: Session, request: Request, *, profile: str = "current", facts: Facts | None = None
) -> Decision:
    """Look and decide; changes nothing. `facts`: what was found already.

    Raises:
        SdsetupError: a bad profile, an unknown model, a folder or disk that cannot be used.
    """
    folder = Path(request.dir)
    state = state_folder(folder)
    found = facts or inspect(session, folder, deep=request.deep)
    requirements = requirements_of(session, found)
    if not session.practising:
        refuse_machine(diagnose(found, requirements))
    facts = session.adjust(found)
    tuning = tune(_without_environment(found), session.catalog.rules(profile))
    tuning = with_corrections(tuning, load_corrections(state))
    refuse_tuning(tuning)
    if session.kit is not None:
        tuning = with_fallbacks_of(tuning, facts, session.kit)
    components = components_for(session, replace(request, ref=_ref(request)), facts)
    contents = look(
        session.machine,
        folder,
        repositories=[f"repositories/{repository.name}" for repository in components.webui.repositories],
        files=[file.save_as for file in components.files],
        launch_files=request.launchers,
        tools=session.tools,
    )
    tuning, _ = beside_own(session, folder, facts, tuning, contents.launch_files)
    file = facts.parts.launch_file if facts.parts else None
    # With these the web UI does not start; the file as it was is kept beside it.
    stopping = file.stopping if file is not None else ()
    given_up = environment_given_up(facts)
    stopping = (*stopping, given_up[0]) if given_up is not None else stopping
    settings = launch_settings(tuning, facts.recorded, session.catalog.flags, also_drop=stopping)
    plan = plan_install(facts, request, tuning, components, settings, load_journal(state), contents)
    plan = replace(plan, outside=str(session.cache))
    practised = (state / PRACTICE_MARK).is_file()
    refuse_running(facts, plan)
    refuse_mixing(facts, request.dir, practised=practised, practising=session.practising)
    refuse(facts, plan, git_command=requirements.commands_for(facts).git)
    return Decision(
        facts=facts,
        request=request,
        tuning=tuning,
        plan=plan,
        again=lambda facts=None: decide(session, request, profile=profile, facts=facts),
    )


def _ref(request: Request) -> str | None:
    """The commit to stand at: what was asked for now, or before in this folder; None for the pinned one."""
    wanted = request.ref or chosen_ref(Path(request.dir))
    return None if wanted == PINNED else wanted


def components_for(session: Session, request: Request, facts: Facts) -> Components:
    """What the profiles and this machine offer for a request.

    Raises:
        ProfileError, UsageError: a bad profile, an unknown model or commit.
    """
    catalog = session.catalog
    python = best_python(facts, requirements_of(session, facts))
    return Components(
        webui=catalog.webui.at(request.ref) if request.ref else catalog.webui,
        model=find_model(catalog.models.models, request.model) if request.model else None,
        mingit=catalog.tools.mingit if facts.system.family == "windows" else None,
        python=python.path if python else None,
        tools=str(session.tools),
    )


def _without_environment(facts: Facts) -> Facts:
    """An environment that is there may be of a Python that fits nothing: it is made again then."""
    if facts.installation is None:
        return facts
    return replace(facts, installation=replace(facts.installation, environment_python=None))
