"""Consent to a plan, and after it what only running a program of the folder can tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sdsetup.cli.installing import Prepared, consent, prepare
from sdsetup.cli.session import Session
from sdsetup.decide.plan import BuildEnvironment
from sdsetup.text import Text


def agreed(session: Session, prepared: Prepared, *, yes: bool, dry_run: bool = False) -> Prepared:
    """Ask for consent, then whether the environment that looks whole starts; the plan that is true then.

    Looking runs nothing of the folder, so the plan takes an environment with all its files for finished. One
    that does not start is planned again, shown, and asked about once more. With nothing to do and nobody's
    `--yes` there was no consent to run anything, and nothing is run.

    Raises:
        UsageError: `consent-needed` where nobody can answer.
        DeclinedError: the answer was no.
    """
    if prepared.plan.todo:
        consent(session, yes=yes, dry_run=dry_run)
    elif not yes:
        return prepared
    if _starts(session, prepared):
        return prepared
    there = prepared.facts.installation
    assert there is not None, "an environment that is done stands in an installation"
    facts = replace(prepared.facts, installation=replace(there, environment_python=None))
    again = prepare(session, prepared.request, profile=prepared.profile, facts=facts)
    if not session.json:
        from sdsetup.show.plan import show_plan

        session.screen.line(Text("The Python environment does not start, so it is built again."), "warn")
        if not session.quiet:
            show_plan(again.plan, session.screen)
    consent(session, yes=yes, dry_run=dry_run)
    return again


def _starts(session: Session, prepared: Prepared) -> bool:
    """Whether the environment of a plan that leaves it alone starts; True where it is built anyway."""
    from sdsetup.cli.installing import context_for
    from sdsetup.decide.events import silent
    from sdsetup.execute.environment.places import python_of, starts

    if not any(isinstance(s.action, BuildEnvironment) and s.state == "done" for s in prepared.plan.steps):
        return True
    python = python_of(Path(prepared.request.dir) / "venv", session.machine.family)
    return starts(python, context_for(session, prepared, silent))
