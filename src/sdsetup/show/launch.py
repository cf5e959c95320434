"""A web UI that starts, as a person sees it: what it is at, that it is ready, how it ends."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text as Line

from sdsetup.command import Command
from sdsetup.decide.startup import LaunchPlan, Phase, Startup
from sdsetup.show.screen import Screen
from sdsetup.show.words import duration, say
from sdsetup.text import Listed, Text, harmless

# What it is at, and that it is over.
_PHASES: dict[Phase, tuple[Text, Text]] = {
    "preparing": (Text("Checking files"), Text("Files checked")),
    "torch": (Text("Loading PyTorch"), Text("PyTorch loaded")),
    "interface": (Text("Loading the web UI"), Text("Web UI loaded")),
}
_MODEL = Text("Loading the model")
_PATIENCE = 90.0  # seconds in one phase until a word about it


class LaunchScreen:
    """Hears every line of the web UI with the state after it, and draws what is worth seeing.

    with LaunchScreen(screen, plan) as shown:
        with start(plan, context, told=shown.heard) as web: ...
    """

    def __init__(self, screen: Screen, plan: LaunchPlan) -> None:
        self._screen = screen
        self._plan = plan
        self._phase: Phase | None = None
        self._model = "waiting"
        self._since = self._began = time.monotonic()
        self._model_since = self._began
        self._soothed = False
        self._task: TaskID | None = None
        self._bar: Progress | None = None
        if screen.console.is_terminal and not screen.quiet:
            spinner = SpinnerColumn("dots" if screen.can_show("⠋") else "line", style="default")
            text = TextColumn("{task.description}", markup=False)
            self._bar = Progress(spinner, text, Elapsed(), console=screen.console, transient=True)

    def __enter__(self) -> LaunchScreen:
        if not self._screen.quiet:
            self._screen.line(Text("Starting the web UI in {dir}", dir=self._plan.dir))
        if self._bar is not None:
            self._bar.start()
            self._at(_PHASES["preparing"][0])
        self._phase = "preparing"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing moves any more; what is said from now on stands alone."""
        self._rest()
        if self._bar is not None:
            self._bar.stop()

    def heard(self, state: Startup, line: str) -> None:
        if self._screen.verbose and line.strip():
            self._screen.line(line, "quiet", indent=4)
        if state.phase != self._phase:
            self._passed(state)
        elif state.doing and self._bar is not None and self._task is not None and state.phase == "preparing":
            self._bar.update(self._task, description=harmless(state.doing))
        if state.model != self._model:
            self._model_is(state)

    def tick(self) -> None:
        """Called now and then: a word to whom it takes long."""
        late = time.monotonic() - self._since > _PATIENCE
        if late and not self._soothed and not self._screen.quiet and self._phase in ("torch", "interface"):
            self._soothed = True
            text = Text("Still loading. The first start can take minutes on a slow disk.")
            self._screen.line(text, "quiet", indent=2)

    def ready(self, url: str | None, *, opened: bool, public_url: str | None = None) -> None:
        """The page is there; said once per start."""
        took = duration(time.monotonic() - self._began)
        self._say("ok", Text("The web UI is ready after {took}.", took=took), always=True)
        if url is not None:
            self._screen.command(url, indent=2)
        if public_url is not None:
            self._screen.line(Text("Anyone who knows this address can use your web UI:"), "warn", indent=2)
            self._screen.command(public_url, indent=2)
        if self._screen.quiet:
            return
        if url is not None:
            text = Text("It opens in your browser.") if opened else Text("Open this address in your browser.")
            self._screen.line(text, indent=2)
        self._screen.line(Text("Press Ctrl-C here to stop it."), indent=2)

    def extensions_failed(self, names: tuple[str, ...]) -> None:
        """The web UI goes on without what these were to do, and says so only in its log."""
        if not names:
            return
        text = Text("Extensions that failed to load: {names}. The web UI runs without them.", names=Listed(names))
        self._say("warn", text, always=True)
        self._screen.line(Text("Turn an extension off:"), indent=2)
        command = Command("sdsetup", "extensions", "disable", names[0], "--dir", self._plan.dir)
        self._screen.command(command, indent=2)

    def stopping(self) -> None:
        self._rest()
        self._screen.line()
        if not self._screen.quiet:
            self._screen.line(Text("Stopping the web UI (press Ctrl-C again to force it) ..."))

    def stopped(self, *, polite: bool, log: Path | None) -> None:
        text = Text("The web UI has stopped.") if polite else Text("The web UI was forced to stop.")
        self._say("ok" if polite else "warn", text)
        if log is not None and not self._screen.quiet:
            self._screen.line(Text("Log: {log}", log=log), "quiet", indent=2)

    def restarting(self) -> None:
        self._say("ok", Text("The web UI is restarting."))
        self._phase, self._model = "preparing", "waiting"
        self._began = self._since = time.monotonic()
        self._at(_PHASES["preparing"][0])

    def trouble(self, what: Text, then: Text) -> None:
        """Something went wrong with a picture while the web UI runs on."""
        self._screen.line(
            Text("{mark} {time} {what}", mark=self._screen.mark("warn"), time=time.strftime("%H:%M"), what=what),
            "warn",
        )
        self._screen.line(then, indent=2)

    def _passed(self, state: Startup) -> None:
        now = time.monotonic()
        done = _PHASES.get(self._phase) if self._phase else None
        # The first phase takes a moment, unless the web UI installs something.
        if done is not None and (self._phase != "preparing" or now - self._since >= 2):
            self._say("ok", done[1], now - self._since)
        self._phase, self._since, self._soothed = state.phase, now, False
        if state.phase in _PHASES:
            self._at(_PHASES[state.phase][0])
        else:
            self._at(_MODEL) if state.model == "loading" else self._rest()

    def _model_is(self, state: Startup) -> None:
        self._model = state.model
        name = Path((state.model_file or "").replace("\\", "/")).name
        if state.model == "loading":
            self._model_since = time.monotonic()
            if self._phase == "ready":
                self._at(_MODEL)
        elif state.model == "loaded":
            seconds = state.model_seconds or time.monotonic() - self._model_since
            self._say("ok", Text("Model loaded: {name}", name=name), seconds)
            if self._phase == "ready":
                self._rest()
        elif self._phase == "ready":
            self._rest()

    def _say(self, status: str, text: Text, seconds: float | None = None, *, always: bool = False) -> None:
        if self._screen.quiet and status == "ok" and not always:
            return
        line = Line(f"{self._screen.mark(status)} ", style={"ok": "green", "warn": "yellow"}.get(status, "red"))
        line.append(say(text), style="default")
        if seconds is not None and seconds >= 1:
            line.append(f"  {duration(seconds)}", style="dim")
        self._screen.console.print(line)

    def _at(self, what: Text) -> None:
        """What it is at now: a moving line in a terminal, a plain one elsewhere."""
        if self._bar is not None:
            self._rest()
            self._task = self._bar.add_task(say(what), total=None)
        elif not self._screen.quiet:
            self._screen.line(Text("  {what} ...", what=what))

    def _rest(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
            self._bar.refresh()


class Elapsed(ProgressColumn):
    def render(self, task: Task) -> Line:
        return Line(duration(task.elapsed or 0), style="dim")
