"""`sdsetup` alone: greet, look, cure, choose the folder, show the plan, work, say what is next.

It never asks what it can find out, and one can leave at any question with nothing changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sdsetup.decide.checks import MADE_GOOD
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, EXIT_INTERRUPTED, DeclinedError, SdsetupError
from sdsetup.show.doctor import show_report
from sdsetup.show.errors import show_error
from sdsetup.show.questions import ask_line
from sdsetup.show.words import size
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Report
from sdsetup.values.request import Request
from sdsetup.workflows.carrying_out import agreed, carry_out
from sdsetup.workflows.doctor import examine, offer_fixes
from sdsetup.workflows.doctor_fixes import fix_actions
from sdsetup.workflows.install import decide, launcher_kinds, show_decision
from sdsetup.workflows.session import Session


def run_wizard(session: Session) -> int:
    """The guided way through. Without a terminal it names the commands instead of asking nobody."""
    screen = session.screen
    if not screen.interactive:
        screen.line(Text("This is the wizard, and it needs a terminal. For scripts: sdsetup install --help"))
        return EXIT_DONE
    screen.line(Text("Welcome. This puts the Stable Diffusion web UI on your PC and leaves it working."), "bold")
    screen.line(Text("First a look at the machine; nothing is changed before you have seen the plan and agreed."))
    screen.line()
    report = _examined(session)
    blocking = [finding for finding in report.findings if finding.status == "fail"]
    # Another folder is asked for next, and the plan itself says what the network is needed for.
    if any(finding.id not in ("network", "disk", "folder", *MADE_GOOD) for finding in blocking):
        screen.line()
        screen.line(Text("Something above blocks the installation. Mend it, then start the wizard again."), "warn")
        return EXIT_EXPECTED
    if any(finding.id == "network" for finding in blocking):
        screen.line(Text("Without the network you can look at the plan; the work itself will need it."), "warn")
    try:
        return _install(session, report.facts)
    except DeclinedError as declined:
        if declined.exit_code == EXIT_INTERRUPTED:
            raise
        return _left(session)


def _examined(session: Session) -> Report:
    """Look, show, and offer what can be cured without an administrator."""
    report = examine(session, None)
    show_report(report, session.screen)
    if any(finding.status == "fail" for finding in report.findings) and fix_actions(session, report):
        session.screen.line()
        fixed = offer_fixes(session, report, yes=False)
        if fixed is not report:
            show_report(fixed, session.screen)
        return fixed
    return report


def _install(session: Session, facts: Facts) -> int:
    default = facts.folder.path if facts.folder else str(session.machine.home / "stable-diffusion-webui")
    while True:
        folder = _ask_folder(session, default)
        if folder is None:
            return _left(session)
        try:
            request = Request(dir=str(session.folder(folder)), model="sd15", launchers=launcher_kinds(session))
            decision = decide(session, request)
            break
        except SdsetupError as error:
            if isinstance(error, DeclinedError) or not error.code.startswith(("folder-", "disk-", "file-")):
                raise
            show_error(error, None, session.screen)
    show_decision(session, decision)
    try:
        decision = agreed(session, decision, yes=False)
    except DeclinedError as declined:
        if declined.exit_code == EXIT_INTERRUPTED:
            raise
        return _left(session)
    return carry_out(session, decision)


def _ask_folder(session: Session, default: str) -> Path | None:
    """The folder, Enter for the default; "q" leaves."""
    screen = session.screen
    free = _free_bytes(default)
    screen.line()
    screen.line(Text("Where to? {free} are free at the suggestion; q leaves the wizard.", free=size(free)))
    answer = ask_line(screen, Text("Folder"), default)
    return None if answer.lower() in ("q", "quit", "exit") else Path(answer.strip('"'))


def _free_bytes(folder: str) -> int | None:
    for place in (Path(folder), *Path(folder).parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


def _left(session: Session) -> int:
    session.screen.line()
    session.screen.line(Text("Nothing was changed. Start the wizard again whenever you like."))
    return EXIT_DONE
