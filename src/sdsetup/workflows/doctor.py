"""`sdsetup doctor`: look at this PC, say what is in the way and why, and apply what can be fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sdsetup.catalog.doctor import Requirements
from sdsetup.command import Command
from sdsetup.decide.checks import diagnose
from sdsetup.decide.checks.tools import best_python
from sdsetup.decide.planning import Components, plan_install
from sdsetup.decide.tuning.engine import tune
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, UsageError
from sdsetup.show.doctor import report_json, show_report, show_waiting
from sdsetup.show.document import print_document
from sdsetup.text import Text
from sdsetup.values.contents import Contents
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Report
from sdsetup.values.flags import Settings as LaunchSettings
from sdsetup.values.journal import Journal
from sdsetup.values.request import Request
from sdsetup.workflows.inspect import inspect, read_facts
from sdsetup.workflows.session import Session

_USUAL_MODEL = "sd15"  # what `install` takes where no model is named
# Warnings about an installation that the next command is to repair.
_REPAIRED = ("webui", "environment", "repositories", "models", "last-run")


def run_doctor(
    session: Session, dir: Path | None, *, facts_file: Path | None, fix: bool, yes: bool, deep: bool = False
) -> int:
    """The whole of `sdsetup doctor`; returns the exit code. `deep`: contents are hashed, not only sizes compared.

    Raises:
        UsageError: `options-exclude`.
        SdsetupError: a facts file that cannot be read, or why a fix failed.
    """
    if facts_file is not None and fix:
        raise UsageError(
            Text("--fix changes this PC, but --facts describes another one"),
            code="options-exclude",
            hint=Text("Remove one of them."),
        )
    report = examine(session, dir, deep=deep) if facts_file is None else judge(session, read_facts(facts_file))
    if not session.json:
        show_report(
            report,
            session.screen,
            next_command=next_command(session, report) if facts_file is None and not fix else None,
            described=facts_file,
        )
    if fix:
        before, report = report, offer_fixes(session, report, yes=yes)
        if not session.json and report is not before:
            _show_changed(session, before, report)
    if session.json:
        print_document(report_json(report))
    return EXIT_DONE if report.ok else EXIT_EXPECTED


def examine(session: Session, dir: Path | None, *, deep: bool = False) -> Report:
    """Ask this machine about itself and about a folder (the default one, when none is named), and judge."""
    facts = inspect(session, session.folder(dir), network=True, slow=_slow(session), deep=deep)
    return judge(session, session.adjust(facts))


def judge(session: Session, facts: Facts) -> Report:
    """What the facts mean for a usual installation."""
    return diagnose(facts, planned_requirements(session, facts))


def requirements_of(session: Session, facts: Facts) -> Requirements:
    """What a usual installation needs; a finished one needs no room for itself."""
    profile, there = session.catalog.doctor, facts.installation
    finished = there is not None and there.torch is not None and bool(there.models)
    brings = {"python"} | ({"git"} if facts.system.family == "windows" else set())
    rules = session.catalog.rules()
    need = profile.need(rules, disk_bytes=profile.update_bytes if finished else None, brings=frozenset(brings))
    if there is None:
        return need
    catalog = session.catalog
    return replace(
        need,
        repositories=tuple((one.name, one.commit) for one in catalog.webui.repositories),
        exclusive_flags=catalog.flags.exclusive_groups,
        text_encoder=tuple(file.save_as for file in catalog.webui.tokenizer),
        model_hashes={model.size: model.sha256 for model in catalog.models.models.values()},
    )


def planned_requirements(session: Session, facts: Facts) -> Requirements:
    """With the sizes that the plan of an installation will show here; those of the profile where there is none."""
    need = requirements_of(session, facts)
    if facts.installation is not None:
        return need
    tuning = tune(facts, need.rules)
    if tuning.torch is None:
        return need
    catalog, request = session.catalog, Request(dir="", model=_USUAL_MODEL)
    python = best_python(facts, need)
    components = Components(
        webui=catalog.webui,
        model=catalog.models.models.get(_USUAL_MODEL),
        mingit=catalog.tools.mingit if facts.system.family == "windows" else None,
        python=python.path if python else None,
    )
    plan = plan_install(facts, request, tuning, components, LaunchSettings(), Journal(), Contents())
    return replace(need, disk_bytes=plan.disk_bytes, download_bytes=plan.bytes)


def next_command(session: Session, report: Report) -> Command | None:
    """The one command that comes after this screen; it names the folder unless that is the usual one."""
    if not report.ok:
        return None
    there = report.facts.installation
    parts = [check.id for check in report.findings if check.status == "warn" and check.id in _REPAIRED]
    if any(finding.id == "card" and finding.status == "warn" for finding in report.findings):
        words = ["tune", "--yes"]
    elif there is None or parts:
        words = ["install"]
    else:
        words = ["launch"]
    folder = report.facts.folder
    if folder is not None and folder.path != str(session.folder(None)):
        words += ["--dir", folder.path]
    return Command("sdsetup", *words, family=report.facts.system.family)


def offer_fixes(session: Session, report: Report, *, yes: bool) -> Report:
    """The report after the fixes that were agreed to; the same one where nothing was done."""
    # What acts is half of the program, and looking needs none of it.
    from sdsetup.workflows.doctor_fixes import apply_fixes

    done = apply_fixes(session, report, yes=yes)
    if not done:
        return report
    folder = next((action.folder for action in done if action.folder), None)
    subjects = {subject for action in done for subject in action.subjects}
    if folder is not None:
        subjects |= {"folder", "disk", "installation"}
    here = report.facts.folder.path if report.facts.folder else str(session.machine.home)
    facts = inspect(session, Path(folder or here), network=True, subjects=subjects, known=report.facts)
    return judge(session, facts)


def _slow(session: Session) -> Callable[[tuple[str, ...]], None] | None:
    """Tells somebody at a terminal what is being waited for; a script wants the answer only."""
    if session.json or session.quiet or not session.screen.interactive:
        return None

    def tell(subjects: tuple[str, ...]) -> None:
        show_waiting(subjects, session.screen)

    return tell


def _show_changed(session: Session, before: Report, after: Report) -> None:
    """Only what a fix has touched, then the count and the next command."""
    old = {finding.id: finding for finding in before.findings}
    changed = tuple(finding for finding in after.findings if finding != old.get(finding.id))
    session.screen.line()
    show_report(
        after, session.screen, shown=replace(after, findings=changed), next_command=next_command(session, after)
    )
