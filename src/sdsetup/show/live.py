"""Work under way: bars with speed and time left in a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text as Line

from sdsetup.decide.time_left import TimeLeft
from sdsetup.redaction.secrets import hide_secrets
from sdsetup.show.bars import Bars
from sdsetup.show.screen import Screen
from sdsetup.show.window import Window
from sdsetup.show.words import duration, say, size
from sdsetup.text import Text, harmless
from sdsetup.values.events import CHECKING, Event
from sdsetup.values.plan import Plan

_PLAIN_SECONDS = 10.0  # between two plain lines about one transfer
_BAR = 24  # columns
_commands = logging.getLogger("sdsetup.commands")  # what the machine starts


class Live:
    """Listens to the runner's events while the block lasts and draws them.

    with Live(plan, screen) as live:
        Runner(plan, context_with(live.listen)).run()
    """

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._screen = screen
        self._numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
        self._titles = {step.id: step.title for step in plan.steps}
        self._count = len(plan.steps)
        self._bars: _Steps | None = None
        self._task: TaskID | None = None
        self._said_at = 0.0
        self._listening = _Commands(self)
        if screen.console.is_terminal and not screen.quiet:
            self._bars = _Steps(
                _Spinner("dots" if screen.can_show("⠋") else "line"),
                BarColumn(bar_width=_BAR),
                _Amount(),
                console=screen.console,
                # A single step has its own bar.
                overall=Overall(plan) if self._count > 1 else None,
            )

    def __enter__(self) -> Live:
        if self._screen.verbose:
            _commands.setLevel(logging.INFO)  # where no log file could be opened, too
            _commands.addHandler(self._listening)
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _commands.removeHandler(self._listening)
        if self._bars:
            self._bars.stop()

    def listen(self, event: Event) -> None:
        """Draw what an event says. Events may come from several threads."""
        with self._bars.turn if self._bars else nullcontext():
            self._draw(event)

    def started_program(self, command: str) -> None:
        """A program that a step starts, as a command line."""
        with self._bars.turn if self._bars else nullcontext():
            self._screen.write([(f"    $ {harmless(command)}\n", "dim")])

    def _draw(self, event: Event) -> None:
        if self._bars and self._bars.overall:
            self._bars.overall.heard(event)
        match event.kind:
            case "started":
                self._started(event)
            case "progress":
                self._progress(event)
            case "note":
                self._note(event)
            case "finished":
                self._ended(event, "ok")
            case "failed":
                self._ended(event, "fail")
            case "skipped":
                if self._screen.verbose:
                    self._screen.line(
                        Text("{mark} {what}", mark=self._screen.mark("skip"), what=self._name(event))
                    )

    def _name(self, event: Event) -> str:
        number = self._numbers.get(event.step, 0)
        title = self._titles.get(event.step)
        what = say(title) if title else harmless(event.step)
        return f"[{number}/{self._count}] {what}" + (say(Text(" (practice run)")) if self._screen.banner else "")

    def _started(self, event: Event) -> None:
        self._said_at = time.monotonic()
        if self._bars:
            self._task = self._bars.add_task(self._name(event), total=None, rate=None, source=None, note="")
        elif not self._screen.quiet:
            self._screen.line(Text("  {what} ...", what=self._name(event)))

    def _progress(self, event: Event) -> None:
        if self._bars and self._task is not None:
            self._bars.update(
                self._task, completed=event.done or 0, total=event.total, rate=event.rate, source=event.source
            )
        elif not self._screen.quiet and time.monotonic() - self._said_at >= _PLAIN_SECONDS:
            self._said_at = time.monotonic()
            self._screen.line("    " + amount(event.done, event.total, event.rate, event.source))

    def _note(self, event: Event) -> None:
        """What a step is at stands below its bar and goes with it; what the user has to know stays."""
        if event.text is None or self._screen.quiet:
            return
        if event.lasting or self._screen.verbose:
            self._screen.line(event.text, "quiet", indent=4)
        elif self._bars and self._task is not None:
            self._bars.update(self._task, note=say(event.text))

    def _ended(self, event: Event, status: str) -> None:
        if self._bars and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        if self._screen.quiet and status == "ok":
            return
        took = duration(event.seconds) if event.seconds is not None and event.seconds >= 1 else ""
        line = Line(f"{self._screen.mark(status)} ", style={"ok": "green", "fail": "red"}[status])
        line.append(self._name(event), style="default")
        if took:
            line.append(f"  {took}", style="dim")
        self._screen.console.print(line, soft_wrap=True)
        if event.text and status == "ok" and self._screen.verbose:
            self._screen.line(event.text, "quiet", indent=4)


class _Commands(logging.Handler):
    """With -v, the commands that steps run."""

    def __init__(self, live: Live) -> None:
        super().__init__(logging.INFO)
        self._live = live

    def emit(self, record: logging.LogRecord) -> None:
        self._live.started_program(hide_secrets(record.getMessage()))


class Overall:
    """The whole plan: how much of it is done, which step it is at, how long it will take."""

    def __init__(self, plan: Plan) -> None:
        self._left = TimeLeft(plan=plan)
        self._numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
        self._number = 0

    def heard(self, event: Event) -> None:
        now = time.monotonic()
        match event.kind:
            case "started":
                self._number = self._numbers.get(event.step, self._number)
                self._left.started(event.step, now)
            case "progress":
                self._left.progressed(event.done or 0, event.total, event.rate, now)
            case "finished":
                self._left.finished(event.step, now)

    def share(self) -> float:
        return self._left.share(time.monotonic())

    def said(self) -> str:
        """ "step 7 of 13, about 12 min left"."""
        left, step = self._left.left(time.monotonic()), {"number": self._number, "count": len(self._numbers)}
        if left is None:
            return say(Text("step {number} of {count}", **step))
        minutes = round(left / 60)
        if left < 45:
            return say(Text("step {number} of {count}, less than a minute left", **step))
        if minutes < 90:
            return say(Text("step {number} of {count}, about {minutes} min left", minutes=max(minutes, 1), **step))
        hours, minutes = divmod(minutes, 60)
        return say(
            Text(
                "step {number} of {count}, about {hours} h {minutes} min left",
                hours=hours,
                minutes=minutes,
                **step,
            )
        )


class JsonLines:
    """One JSON object a line on standard output for each event."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def listen(self, event: Event) -> None:
        said: dict[str, Any] = {"event": event.kind, "step": event.step}
        for name in ("done", "total", "rate", "source", "seconds"):
            value = getattr(event, name)
            if value is not None:
                said[name] = round(value, 3) if isinstance(value, float) else value
        if event.text is not None:
            said["text"] = str(event.text)
        self.write(said)

    def write(self, said: dict[str, Any]) -> None:
        self._stream.write(json.dumps(said, ensure_ascii=True) + "\n")
        self._stream.flush()


def amount(done: int | None, total: int | None, rate: float | None, source: str | None = None) -> str:
    """ "1.23 GB of 4.27 GB, 11.2 MB/s, 4 min 30 s left (huggingface.co)"."""
    if done is None:
        return ""
    parts = [say(Text("{done} of {total}", done=size(done), total=size(total))) if total else size(done)]
    if rate:
        parts.append(say(Text("{size}/s", size=size(rate))))
        if total and total > done:
            parts.append(say(Text("{time} left", time=duration((total - done) / rate))))
    return ", ".join(parts) + (f" ({source})" if source else "")


class _Steps(Bars):
    """The whole above the step under way, whose name has a line of its own: a long one does not push the numbers
    away."""

    def __init__(self, *columns: ProgressColumn, console: Console, overall: Overall | None = None) -> None:
        self.overall = overall
        self._window = Window(console)
        super().__init__(*columns, console=console)  # it draws already

    def start(self) -> None:
        self._window.begin()
        super().start()

    def stop(self) -> None:
        super().stop()
        self._window.end()

    def refresh(self) -> None:
        if self.overall is not None:
            self._window.show(self.overall.share(), self.overall.said())
        super().refresh()

    def get_renderables(self) -> Iterator[RenderableType]:
        if self.overall is not None and self.tasks:
            line = Table.grid(padding=(0, 1))
            bar = ProgressBar(total=1.0, completed=self.overall.share(), width=_BAR)
            line.add_row(
                Line(" "), bar, Line(self.overall.said(), style="bold", no_wrap=True, overflow="ellipsis")
            )
            yield line
        for task in self.tasks:
            source = task.fields.get("source")
            origin = (
                f", {say(Text('checking'))}"
                if source == CHECKING
                else say(Text(", from {source}", source=source))
                if source
                else ""
            )
            yield Line(harmless(task.description + origin), no_wrap=True, overflow="ellipsis")
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if note := task.fields.get("note"):
                yield Line(f"  {harmless(note)}", style="dim", no_wrap=True, overflow="ellipsis")


class _Spinner(SpinnerColumn):
    """Goes on while the step does: what comes after the last byte (checking, unpacking) takes time too."""

    def render(self, task: Task) -> RenderableType:
        return self.spinner.render(task.get_time())


class _Amount(ProgressColumn):
    """Bytes, speed and time left, in the space there is."""

    def render(self, task: Task) -> Line:
        if not task.completed and task.total is None:
            return Line(duration(task.elapsed or 0), style="dim")
        if task.total and task.completed >= task.total:
            arrived = Text("{size} downloaded, {time}", size=size(task.total), time=duration(task.elapsed or 0))
            return Line(say(arrived), style="dim")
        return Line(
            amount(int(task.completed), int(task.total) if task.total else None, task.fields.get("rate")),
            style="dim",
        )
