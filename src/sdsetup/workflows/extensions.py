"""`sdsetup extensions`: which there are, what they want, and which of them keeps the web UI from starting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdsetup.decide.bisection import BisectionResult, most_starts, search
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.webui.config_json import set_disabled
from sdsetup.execute.webui.launch_plan import settings_file
from sdsetup.execute.webui.painting import Patience
from sdsetup.execute.webui.partial_start import StartAttempt, try_start
from sdsetup.execute.webui.process import refuse_running
from sdsetup.launchfile.effective import arguments
from sdsetup.machine.launch_files import read_launch_settings
from sdsetup.probe.extensions import read_extensions
from sdsetup.show.document import print_document
from sdsetup.show.extensions import (
    extensions_json,
    show_extensions,
    show_fights,
    show_search_plan,
    show_start,
    show_started,
    show_switched,
    show_verdict,
    switched_json,
    verdict_json,
)
from sdsetup.text import Text
from sdsetup.values.extensions import Extensions
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.session import Session

# A flag of the web UI (modules/cmd_args.py, v1.10.1): of all extensions only those that it ships with.
_WITHOUT = "--disable-extra-extensions"


@dataclass(frozen=True, kw_only=True)
class InstalledExtensions:
    """An installation and its extensions."""

    context: Context
    there: Extensions


def list_extensions(session: Session, dir: Path | None, *, check: bool) -> int:
    """`extensions list` and `check`; returns the exit code (check: 1 where something fights the pins).

    Raises:
        SdsetupError: `webui-missing`; a launch file that cannot be read.
    """
    place = place_of(session, dir)
    there = place.there
    if session.json:
        print_document(extensions_json(there, place.context.dir))
    elif check:
        show_fights(there, place.context.dir, session.screen)
    else:
        show_extensions(there, place.context.dir, session.screen)
    return EXIT_EXPECTED if check and any(one.fights for one in there.found) else EXIT_DONE


def switch(session: Session, names: tuple[str, ...], dir: Path | None, *, off: bool, yes: bool) -> int:
    """`extensions disable` and `enable`: in the web UI's own settings; returns the exit code.

    Raises:
        SdsetupError: `extension-unknown`, `webui-running`, `settings-unreadable`.
    """
    place = place_of(session, dir)
    known = [one.name for one in place.there.found]
    for name in names:
        if name not in known:
            raise SdsetupError(
                Text("No extension named {name}", name=name),
                where=place.context.dir / "extensions",
                hint=Text("Use one of: {names}", names=", ".join(known))
                if known
                else Text("The extensions folder is empty."),
                code="extension-unknown",
            )
    settings = Path(place.there.settings)
    if not session.json and not session.quiet:
        session.screen.line(
            Text("Turn off {names} in {path}", names=", ".join(names), path=settings)
            if off
            else Text("Turn on {names} in {path}", names=", ".join(names), path=settings)
        )
    consent(session, yes=yes)
    with folder_lock(place.context.dir, place.context.cache, waiting=session.screen.line):
        refuse_running(place.context)  # it writes its settings when it is told to, over ours
        before = settings.read_bytes() if settings.is_file() else None
        backup = set_disabled(settings, names, off=off)
    changed = (settings.read_bytes() if settings.is_file() else None) != before
    if session.json:
        print_document(switched_json(names, off=off, changed=changed))
    else:
        show_switched(names, off=off, backup=backup, changed=changed, screen=session.screen)
    return EXIT_DONE


def safe_start(session: Session, dir: Path | None, *, browser: bool) -> int:
    """`extensions safe-start`: the web UI without extensions; its settings don't change.

    Raises:
        SdsetupError: there is nothing to start here, or it cannot be started.
    """
    place = place_of(session, dir)
    session.screen.line(Text("Starting without extensions. They are off for this start only."))
    return run_launch(session, place.context.dir, browser=browser, more=(_WITHOUT,))


def bisect(session: Session, dir: Path | None, *, yes: bool) -> int:
    """`extensions bisect`; returns the exit code: 1 where the web UI does not start.

    Raises:
        SdsetupError: `webui-running`; there is nothing to start here, or it cannot be started.
    """
    place = place_of(session, dir)
    names = place.there.enabled
    folder = place.context.dir
    if not names and not session.json:
        session.screen.line(Text("No extension is turned on in {folder}", folder=folder))
    if names:
        if not session.json and not session.quiet:
            show_search_plan(names, most_starts(len(names)), session.screen)
        consent(session, yes=yes)
    starts: list[tuple[tuple[str, ...], StartAttempt]] = []
    with folder_lock(folder, place.context.cache, waiting=session.screen.line):
        refuse_running(place.context)
        verdict = _search(session, place, names, starts) if names else BisectionResult(none_breaks=True)
    if session.json:
        print_document(verdict_json(verdict, folder, starts))
    elif names:
        show_verdict(verdict, folder, session.screen)
    return EXIT_DONE if verdict.none_breaks else EXIT_EXPECTED


def _search(
    session: Session,
    place: InstalledExtensions,
    names: tuple[str, ...],
    starts: list[tuple[tuple[str, ...], StartAttempt]],
) -> BisectionResult:
    everything = [one.name for one in place.there.found]
    searching = search(names)
    on = next(searching)
    while True:
        if not session.json:
            show_start(len(starts) + 1, on, session.screen)
        trial = try_start(place.context, on=on, all_of_them=everything, patience=Patience())
        starts.append((on, trial))
        if not session.json:
            show_started(trial, session.screen)
        try:
            on = searching.send(not trial.started)
        except StopIteration as done:
            verdict: BisectionResult = done.value
            return verdict


def place_of(session: Session, dir: Path | None) -> InstalledExtensions:
    """The extensions of an installation, and the context to work on it.

    Raises:
        SdsetupError: `webui-missing`; a launch file that cannot be read.
    """
    context = session.context(session.folder(dir))
    if not (context.dir / "launch.py").is_file():
        raise SdsetupError(
            Text("No web UI in this folder"),
            where=context.dir,
            hint=Text("Pass its folder with --dir."),
            code="webui-missing",
        )
    flags = arguments(read_launch_settings(session.machine, context.dir), session.machine.env)
    values = dict(zip(flags, (*flags[1:], ""), strict=False))
    data = context.dir / values.get("--data-dir", "")
    machine = session.machine.looking_at(context.dir)
    there = read_extensions(machine, context.dir, data=data, settings=settings_file(context, flags))
    return InstalledExtensions(context=context, there=there)
