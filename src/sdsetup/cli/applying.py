"""`tune --apply`: the launch files of an installation that is there, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sdsetup.cli.installing import Prepared, carry_out, consent, launcher_kinds
from sdsetup.cli.session import Session
from sdsetup.command import Command
from sdsetup.decide.facts import Facts
from sdsetup.decide.planning import plan_launchers
from sdsetup.decide.request import Request
from sdsetup.decide.tuning.values import Tuning
from sdsetup.errors import SdsetupError
from sdsetup.text import Text


def apply_tuning(
    session: Session,
    folder: Path,
    tuning: Tuning,
    *,
    yes: bool = False,
    launcher: str = "auto",
    facts: Facts | None = None,
) -> int:
    """Write a tuning into the launch files of `folder`; returns the exit code.

    Raises:
        SdsetupError: `no-installation` when there is no web UI in the folder; what consent and the
            launch file refuse.
    """
    from sdsetup.show.plan import show_plan

    prepared = prepare_launchers(session, folder, tuning, launcher=launcher, facts=facts)
    if prepared.plan.todo:
        if not session.json and not session.quiet:
            show_plan(prepared.plan, session.screen)
        consent(session, yes=yes)
    return carry_out(session, prepared)


def prepare_launchers(
    session: Session,
    folder: Path,
    tuning: Tuning,
    *,
    launcher: str = "auto",
    facts: Facts | None = None,
    drop_flags: tuple[str, ...] = (),
) -> Prepared:
    """Only the launch files with this tuning; `drop_flags` are taken out of them whoever wrote them.

    Raises:
        SdsetupError: `no-installation`.
    """
    from sdsetup.cli.knowledge import known
    from sdsetup.probe import gather
    from sdsetup.probe.present import look

    facts = facts or gather(session.machine, folder, subjects=("system", "git", "disk", "folder", "installation"))
    if facts.folder is None or facts.folder.state != "webui":
        raise SdsetupError(
            Text("There is no web UI in this folder"),
            where=folder,
            hint=Text("Install it first: {command}", command=Command("sdsetup", "install", "--dir", folder)),
            code="no-installation",
        )
    request = Request(dir=str(folder), launchers=launcher_kinds(launcher, session), environment=False)
    knowledge = known(session, request, facts, tuning)
    knowledge = replace(knowledge, drop_flags=tuple(dict.fromkeys((*knowledge.drop_flags, *drop_flags))))
    present = look(folder, repositories=(), files=(), launch_files=request.launchers, tools=Path(knowledge.tools))
    plan = plan_launchers(facts, request, tuning, knowledge, present)
    return Prepared(
        facts=facts, request=request, profile=tuning.profile, tuning=tuning, knowledge=knowledge, plan=plan
    )
