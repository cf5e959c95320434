"""`sdsetup launch`: starts the web UI as its launch file would, and says what is happening."""

from __future__ import annotations

import os
import signal
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.checks.cards import card
from sdsetup.decide.diagnosis import Diagnosis, spot
from sdsetup.decide.diagnosis.blocks import failed_extensions
from sdsetup.decide.startup import LaunchPlan, address, opens_browser
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, EXIT_INTERRUPTED
from sdsetup.execute import undo
from sdsetup.execute.context import Context
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.webui.launch_plan import browser_option, plan_from_file, planned
from sdsetup.execute.webui.process import WebUI, start
from sdsetup.machine.processes import running_web_ui
from sdsetup.show.diagnosis import show_diagnosis, show_unknown
from sdsetup.show.launch import LaunchScreen
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.workflows import folder_memory, registry
from sdsetup.workflows.corrections import offer
from sdsetup.workflows.doctor import requirements_of
from sdsetup.workflows.inspect import cards, vendors
from sdsetup.workflows.session import AlreadySaid, Session

_LAST_LINES = 120  # what a line of error can belong to
_STOPPING = 10.0  # seconds; the web UI needs 1 to 3


@dataclass(kw_only=True)
class _Run:
    """What is known of one start, and how it went."""

    folder: Path
    book: FailureBook
    facts: Facts
    browser: bool
    told_model: bool = False
    trouble: list[str] = field(default_factory=list)  # outcomes of pictures that failed while it ran
    told: set[str] = field(default_factory=set)  # what the screen has said already
    model_class: str | None = None
    asked_to_end: bool = False

    def go_on(self) -> None:
        """Raise the KeyboardInterrupt that was lost: Python drops one that hits it in a clean-up of its own."""
        if self.asked_to_end:
            raise KeyboardInterrupt


def run_launch(session: Session, folder: Path, *, browser: bool, more: tuple[str, ...] = ()) -> int:
    """The whole of `sdsetup launch`; returns the exit code. `more`: flags for this start only.

    Raises:
        SdsetupError: there is nothing to start here, or it cannot be started.
    """
    if (running := running_web_ui(folder)) is not None and running.ports:
        return _runs_already(session, running.ports[0], browser=browser)
    book = session.catalog.failures
    context = session.context(folder)
    if undo.interrupted(context):  # code and environment may be of two versions
        with folder_lock(folder, session.cache, waiting=session.screen.line):
            undo.finish(context)
        session.screen.line(Text("An interrupted change was completed first."))
    plan, seen = plan_from_file(context)
    registry.note(session.machine, folder)
    if more:
        plan = planned(context, (*plan.flags, *more), seen)
    facts = cards(session, folder)
    _warn_of_a_new_card(session, facts)
    wanted = browser and opens_browser(plan.flags, browser_option(context, plan.flags))
    run = _Run(folder=folder, book=book, facts=facts, browser=wanted)
    with _ends_like_ctrl_c(run):
        code = _again_and_again(session, context, plan, run)
    if run.trouble:
        offer(session, context, plan, run.trouble[-1], run.model_class, book)
    return code


def _runs_already(session: Session, port: int, *, browser: bool) -> int:
    """A second start would only find its port taken: the first one is shown."""
    url = f"http://127.0.0.1:{port}"
    session.screen.line(
        Text("The web UI is already running and was opened in your browser: {url}", url=url)
        if browser and _open(url)
        else Text("The web UI is already running: {url}", url=url)
    )
    return EXIT_DONE


def _again_and_again(session: Session, context: Context, plan: LaunchPlan, run: _Run) -> int:
    """Start it, and start it again whenever it asks for that (its own "restart" buttons)."""
    asked = Path(plan.dir) / "tmp" / "restart"
    with LaunchScreen(session.screen, plan) as shown:
        while True:
            before = time.time()
            with start(plan, context, told=shown.heard) as web:
                code = _watch(session, web, shown, run)
            if code is not None:
                return code
            if not _newer(asked, before):
                shown.stopped(polite=True, log=web.log.path)
                return EXIT_DONE
            run.browser = run.told_model = False
            shown.restarting()


def _newer(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime >= moment - 2  # some file systems count in steps of two seconds
    except OSError:
        return False


def _watch(session: Session, web: WebUI, shown: LaunchScreen, run: _Run) -> int | None:
    """One start from beginning to end; the exit code, None when it ended well by itself."""
    try:
        while not web.state.ready and (web.step() or not web.over):
            run.go_on()
            shown.tick()
        if web.state.ready:
            # Before it is told: a Ctrl-C right after the line must not lose that this start worked.
            folder_memory.trust(run.folder)
            registry.note(session.machine, run.folder, started=True)
            _tell_ready(web, shown, run)
            _keep_watching(session, web, shown, run)
    except KeyboardInterrupt:
        return _stop(web, shown)
    run.model_class = web.state.model_class
    if web.state.ready and web.rc == 0:
        return None
    _explain_end(session, web, shown, run)
    return EXIT_EXPECTED


def _tell_ready(web: WebUI, shown: LaunchScreen, run: _Run) -> None:
    # The address of an API without a page comes after the line that it is ready.
    web.until(lambda state: state.url is not None, 5)
    url = None if web.state.url is None else address(web.state.url)
    opened = run.browser and url is not None and _open(url)
    shown.ready(url, opened=opened, public_url=web.state.public_url)
    shown.extensions_failed(failed_extensions(web.log.lines))


def _open(url: str) -> bool:
    # Without a display Python would take a text browser and give it this terminal.
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    return webbrowser.open(url)


def _keep_watching(session: Session, web: WebUI, shown: LaunchScreen, run: _Run) -> None:
    """Until it ends: whether its model loads, and pictures that fail for want of memory or precision."""
    origin = web.origin(vendors(run.facts))
    heard = len(web.log.lines)
    while web.step() or not web.over:
        run.go_on()
        run.model_class = web.state.model_class or run.model_class
        if web.state.model == "failed" and not run.told_model:
            run.told_model = True
            _explain_model(session, web, run)
        elif web.state.model == "loading":
            run.told_model = False  # another model is tried
        said = len(web.log.lines) != heard
        heard = len(web.log.lines)
        found = spot(web.log.lines[-_LAST_LINES:], run.book, origin=origin) if said else None
        if found is not None:
            _tell_trouble(found, shown, run)


def _tell_trouble(found: Diagnosis, shown: LaunchScreen, run: _Run) -> None:
    """Once for each kind: what went wrong while it runs. For memory and precision there are settings to offer."""
    settings = found.fix.act in ("less-memory", "more-precision")
    outcome = "out-of-memory" if found.fix.act == "less-memory" else found.id
    known = outcome in run.trouble or outcome in run.told
    if settings:
        run.trouble.append(outcome)
    run.told.add(outcome)
    if not known:
        after = Text("sdsetup will offer a setting afterwards.") if settings else found.fix.text
        shown.trouble(found.title, Text("{cause} {after}", cause=found.cause, after=after))


def _stop(web: WebUI, shown: LaunchScreen) -> int:
    """After Ctrl-C: end it politely; a second Ctrl-C ends the whole tree at once."""
    was_ready = web.state.ready
    shown.stopping()
    try:
        polite = web.stop(_STOPPING, heard=True)
    except KeyboardInterrupt:
        web.kill()
        shown.stopped(polite=False, log=web.log.path)
        return AlreadySaid(EXIT_INTERRUPTED)
    shown.stopped(polite=polite, log=web.log.path)
    return EXIT_DONE if was_ready else AlreadySaid(EXIT_INTERRUPTED)


def _explain_end(session: Session, web: WebUI, shown: LaunchScreen, run: _Run) -> None:
    shown.close()
    session.screen.line(
        Text("The web UI stopped while it was running (exit code {code}).", code=web.rc)
        if web.state.ready
        else Text("The web UI stopped before it was ready (exit code {code}).", code=web.rc)
    )
    found = web.diagnose(run.book, vendors(run.facts))
    if not web.state.ready:
        folder_memory.distrust(
            run.folder, str(found.title) if found is not None else f"it exited with code {web.rc}"
        )
    if found is not None:
        show_diagnosis(found, web.log.path, session.screen)
    else:
        show_unknown(web.log.lines[:-1], web.log.path, session.screen)


def _explain_model(session: Session, web: WebUI, run: _Run) -> None:
    session.screen.line(
        Text("The page is open, but the model could not be loaded, so no images can be created."), "warn"
    )
    # The rest of the error's lines is still under way.
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and web.step(0.2):
        pass
    found = web.diagnose(run.book, vendors(run.facts))
    folder_memory.distrust(run.folder, str(found.title) if found is not None else "its model could not be loaded")
    if found is not None:
        show_diagnosis(found, web.log.path, session.screen)


def _warn_of_a_new_card(session: Session, facts: Facts) -> None:
    """One sentence when the card is not the one that this installation was made for."""
    if facts.recorded is None:
        return
    finding = card(facts, requirements_of(session, facts))
    if finding.status == "warn" and finding.fix is not None:
        mark = session.screen.mark("warn")
        session.screen.line(
            Text(
                "{mark} {title}: {what}. {why} {fix}",
                mark=mark,
                title=finding.title,
                what=finding.summary,
                why=finding.why,
                fix=finding.fix.text,
            ),
            "warn",
        )
        session.screen.command(finding.fix.command or "", indent=2)


@contextmanager
def _ends_like_ctrl_c(run: _Run) -> Iterator[None]:
    """A closed terminal or a polite `kill` ends the web UI as Ctrl-C does."""

    def interrupt(_number: int, _frame: object) -> None:
        run.asked_to_end = True
        raise KeyboardInterrupt

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    # One in the background of a script was told not to hear the terminal's Ctrl-C.
    heard = [name for name in names if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN]
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in heard}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
