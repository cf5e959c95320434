"""`sdsetup doctor`: looks at this PC and says what is in the way, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes
from sdsetup.command import Command

if TYPE_CHECKING:
    from sdsetup.cli.session import Session
    from sdsetup.decide.checks import Need
    from sdsetup.decide.facts import Facts, Host
    from sdsetup.decide.findings import Report
    from sdsetup.decide.profiles.doctor import DoctorProfile

FactsFile = Annotated[
    Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
    typer.Option(
        "--facts", metavar="FILE", help="Judge the machine of a report instead of this one.", show_default=False
    ),
]


def doctor(
    dir: Dir = None,
    json: Json = False,
    facts: FactsFile = None,
    fix: Annotated[bool, typer.Option("--fix", help="Carry out the cures that need no administrator.")] = False,
    yes: Yes = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Look at this PC: what is well, what is in the way, and one cure for each."""
    from sdsetup.cli.session import open_session

    session = open_session(command="doctor", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    if facts is not None and fix:
        from sdsetup.errors import UsageError
        from sdsetup.text import Text

        raise UsageError(
            Text("--fix cures this PC, and --facts describes another one"),
            code="options-exclude",
            hint=Text("Leave one of them out."),
        )
    report = read_report(session, facts) if facts is not None else examine(session, dir)
    if fix:
        from sdsetup.cli.fixing import fix as cure

        if not json:
            _show(report, session, next_too=False)
        before, report = report, cure(session, report, yes=yes)
        if not json and report is not before:
            _show_changed(before, report, session)
    elif not json:
        _show(report, session, next_too=facts is None)
    if json:
        from sdsetup.show.doctor_json import report_json
        from sdsetup.show.document import print_document

        print_document(report_json(report))
    raise typer.Exit(0 if report.ok else 1)


def examine(session: Session, folder: Path | None) -> Report:
    """Ask this machine about itself and about a folder (the default one, when none is named), and judge."""
    from sdsetup.cli.folders import chosen_folder
    from sdsetup.probe import gather

    profile = read_profile(session)
    where = chosen_folder(session, folder)
    facts = session.adjust(
        gather(session.machine, where, hosts=needed_hosts(session, profile), slow=_slow(session))
    )
    log_facts(facts)
    return judge(session, facts, profile)


def judge(session: Session, facts: Facts, profile: DoctorProfile | None = None) -> Report:
    """What the facts mean for a usual installation."""
    from sdsetup.decide.checks import diagnose

    return diagnose(facts, need_of(profile or read_profile(session), facts))


def read_report(session: Session, path: Path) -> Report:
    """Judge the machine that a file describes.

    Raises:
        SdsetupError: when the file cannot be read or holds no facts.
    """
    from sdsetup.cli.facts import read_facts

    return judge(session, read_facts(path))


def read_profile(session: Session) -> DoctorProfile:
    from sdsetup.decide.profiles.doctor import read_doctor

    return read_doctor(session.profiles.raw("doctor"))


def needed_hosts(session: Session, profile: DoctorProfile) -> tuple[Host, ...]:
    """The addresses to knock at; a mirror of the model hub in place of the hub."""
    from dataclasses import replace

    mirror = session.machine.env.get("HF_ENDPOINT")
    return tuple(
        replace(host, url=mirror) if mirror and host.purpose == "model" else host for host in profile.hosts
    )


def need_of(profile: DoctorProfile, facts: Facts) -> Need:
    """What a usual installation needs; a finished one needs no room for itself."""
    there = facts.installation
    finished = there is not None and there.torch is not None and bool(there.models)
    brings = {"python"} | ({"git"} if facts.system.family == "windows" else set())
    return profile.need(disk_bytes=profile.update_bytes if finished else None, brings=frozenset(brings))


def log_facts(facts: Facts) -> None:
    import logging

    log = logging.getLogger("sdsetup.probe")
    log.info("probes took %s", dict(facts.probe_seconds))
    for subject, reason in facts.unknown.items():
        log.warning("unknown: %s: %s", subject, reason)


def next_command(report: Report, session: Session) -> Command | None:
    """The one command that comes after this screen; it names the folder unless that is the usual one."""
    if not report.ok:
        return None
    there = report.facts.installation
    if any(finding.id == "card" and finding.status == "warn" for finding in report.findings):
        words = ["tune", "--yes"]
    elif there is None or there.torch is None or not there.models:
        words = ["install"]
    else:
        words = ["launch"]
    return Command("sdsetup", *words, *_named_folder(report, session), family=report.facts.system.family)


def _named_folder(report: Report, session: Session) -> tuple[str, ...]:
    from sdsetup.cli.folders import chosen_folder

    folder = report.facts.folder
    if folder is None or folder.path == str(chosen_folder(session, None)):
        return ()
    return ("--dir", folder.path)


def _slow(session: Session) -> Callable[[tuple[str, ...]], None] | None:
    """Tells a person at a terminal what is being waited for; a script wants the answer only."""
    if session.json or session.quiet or not session.screen.interactive:
        return None

    def tell(subjects: tuple[str, ...]) -> None:
        from sdsetup.show.doctor import show_waiting

        show_waiting(subjects, session.screen)

    return tell


def _show(report: Report, session: Session, *, next_too: bool = True) -> None:
    from sdsetup.show.doctor import show_report

    show_report(report, session.screen, next_command=next_command(report, session) if next_too else None)


def _show_changed(before: Report, after: Report, session: Session) -> None:
    """Only what a cure has touched, then the count and the next command."""
    from dataclasses import replace

    from sdsetup.show.doctor import show_report

    changed = tuple(new for old, new in zip(before.findings, after.findings, strict=True) if new != old)
    session.screen.line()
    show_report(
        after, session.screen, shown=replace(after, findings=changed), next_command=next_command(after, session)
    )
