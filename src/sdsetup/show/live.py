"""Work under way: bars with speed and time left in a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from types import TracebackType
from typing import Any, TextIO

from rich.console import RenderableType
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID
from rich.text import Text as Line

from sdsetup.show.bars import Bars
from sdsetup.show.screen import Screen
from sdsetup.show.words import duration, say, size
from sdsetup.text import Text, harmless
from sdsetup.values.events import CHECKING, Event
from sdsetup.values.plan import Plan

_PLAIN_SECONDS = 10.0  # between two plain lines about one transfer


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
        if screen.console.is_terminal and not screen.quiet:
            self._bars = _Steps(
                _Spinner("dots" if screen.can_show("⠋") else "line"),
                BarColumn(bar_width=24),
                _Amount(),
                console=screen.console,
            )

    def __enter__(self) -> Live:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def listen(self, event: Event) -> None:
        """Draw what an event says. Events may come from several threads."""
        with self._bars.turn if self._bars else nullcontext():
            self._draw(event)

    def _draw(self, event: Event) -> None:
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
        return f"[{number}/{self._count}] {what}" + (say(Text(" (rehearsal)")) if self._screen.banner else "")

    def _started(self, event: Event) -> None:
        self._said_at = time.monotonic()
        if self._bars:
            self._task = self._bars.add_task(self._name(event), total=None, rate=None, source=None)
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
        if event.text is not None and not self._screen.quiet:
            self._screen.line(Text("    {note}", note=event.text), "quiet")

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
        if event.text and status == "ok":
            line.append(f"\n    {say(event.text)}", style="dim")
        self._screen.console.print(line)


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
    """The step's name on a line of its own, so that a long one does not push the numbers away."""

    def get_renderables(self) -> Iterator[RenderableType]:
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
            arrived = Text("{size} there, {time}", size=size(task.total), time=duration(task.elapsed or 0))
            return Line(say(arrived), style="dim")
        return Line(
            amount(int(task.completed), int(task.total) if task.total else None, task.fields.get("rate")),
            style="dim",
        )
