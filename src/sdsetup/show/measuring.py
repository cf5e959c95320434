"""A measurement under way as a person sees it: what holds the card, what is tried, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from types import TracebackType

from rich.console import RenderableType
from rich.progress import ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text as Line

from sdsetup.decide.measuring.candidates import Candidate, Measurement, Trial, expected, seconds_left
from sdsetup.machine.answers import CardProgram, CardUse
from sdsetup.show.bars import Bars
from sdsetup.show.measured import outcome_words, time_left
from sdsetup.show.screen import Screen
from sdsetup.show.words import duration, gib, gigabytes, say
from sdsetup.text import Listed, Text, rounded

_LISTED = 6


def show_before(
    card: Text, where: object, trial: Trial, done: Sequence[Measurement], screen: Screen, *, dir: str
) -> None:
    """What is about to happen, and how long it takes as far as can be told."""
    screen.heading(Text("Measuring on {card}", card=card))
    coming = expected(trial, done)
    if not coming:
        screen.line(
            Text(
                "All {count} settings have been measured with this graphics card, driver, PyTorch, and web UI. "
                "Add --again to measure them again.",
                count=len(done),
            )
        )
        return
    screen.line(
        Text(
            "Starts the web UI in {dir} with one setting after another; each makes the same {images}. "
            "Press Ctrl-C to stop at any time. The launch file doesn't change until the end.",
            dir=dir,
            images=where,
        )
    )
    if done:
        screen.line(Text("Already measured: {count}", count=len(done)))
    left = duration(seconds_left(trial, done))
    screen.line(Text("Still to measure: about {count}, in about {time}", count=coming, time=left))


def show_holders(
    use: CardUse,
    programs: tuple[CardProgram, ...] | None,
    margin: float,
    screen: Screen,
    *,
    memory_gib: float | None = None,
) -> None:
    """Who else has memory of the card; `margin`: the part of it that may be taken without a word of warning,
    `memory_gib`: what the card is sold with."""
    if use.used is None and programs is None:
        screen.line(Text("Can't tell which other programs use the graphics card."), "quiet")
        return
    known = [one for one in programs or () if one.bytes]
    crowded = bool(use.used and use.total and use.used > use.total * margin)
    if use.used is not None:
        screen.line(
            Text(
                "{mark} Video memory already in use: {used} of {total}",
                mark=screen.mark("warn" if crowded else "ok"),
                used=_memory(use.used),
                total=gib(use.total) if memory_gib is None else gigabytes(memory_gib),
            ),
            "warn" if crowded else "",
        )
    for one in known[:_LISTED]:
        screen.line(Text("{name}: {size}", name=_name(one), size=_memory(one.bytes)), indent=4)
    if len(known) > _LISTED:
        rest = sum(one.bytes or 0 for one in known[_LISTED:])
        screen.line(Text("{count} more: {size}", count=len(known) - _LISTED, size=_memory(rest)), indent=4)
    untold = sorted({_name(one) for one in programs or () if one.bytes is None})
    if untold:
        names = ", ".join(untold[:_LISTED]) + (" ..." if len(untold) > _LISTED else "")
        screen.line(Text("Unknown size: {names}", names=names), indent=4)
    if crowded:
        screen.line(Text("Close what you can: it slows down images and leaves less video memory."), indent=4)


class MeasuringScreen:
    """Hears of each candidate: a moving line with the time left in a terminal, plain lines elsewhere."""

    def __init__(self, trial: Trial, screen: Screen) -> None:
        self._trial = trial
        self._screen = screen
        self._task: TaskID | None = None
        self._bar: _Lines | None = None
        if screen.console.is_terminal and not screen.quiet:
            spinner = SpinnerColumn("dots" if screen.can_show("⠋") else "line", style="default")
            text = TextColumn("{task.description}", markup=False)
            self._bar = _Lines(spinner, text, _Left(trial), console=screen.console)

    def __enter__(self) -> MeasuringScreen:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def began(self, candidate: Candidate, done: Sequence[Measurement]) -> None:
        title = say(candidate.title)
        if self._bar is not None:
            self._task = self._bar.add_task("", total=None, title=title, done=tuple(done), began=time.monotonic())
        elif not self._screen.quiet:
            left = time_left(seconds_left(self._trial, done), max(0, expected(self._trial, done) - 1))
            self._screen.line(Text("  {title} ... ({left})", title=title, left=left))

    def doing(self, text: Text) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=say(text))
        elif self._screen.verbose:
            self._screen.line(text, "quiet", indent=4)

    def ended(self, measurement: Measurement) -> None:
        with self._bar.turn if self._bar is not None else nullcontext():
            if self._bar is not None and self._task is not None:
                self._bar.remove_task(self._task)
                self._task = None
            if not self._screen.quiet:
                self._screen.line(_result(measurement, self._screen), "" if measurement.good else "warn")


class _Lines(Bars):
    """The candidate on a line of its own, below it what goes on and the time left."""

    def get_renderables(self) -> Iterator[RenderableType]:
        for task in self.tasks:
            yield Line(task.fields["title"], no_wrap=True, overflow="ellipsis")
        yield self.make_tasks_table(self.tasks)


class _Left(ProgressColumn):
    """Time left, counted on while a candidate runs."""

    max_refresh = 0.5

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self._trial = trial

    def render(self, task: Task) -> Line:
        done = task.fields["done"]
        into = time.monotonic() - task.fields["began"]
        left = time_left(seconds_left(self._trial, done, into_this=into), max(0, expected(self._trial, done) - 1))
        return Line(say(left), style="dim")


def _result(one: Measurement, screen: Screen) -> Text:
    if not one.good:
        what = outcome_words(one)
        return Text("{mark} {title}: {what}", mark=screen.mark("warn"), title=one.candidate.title, what=what)
    peak = one.peak_bytes
    parts: list[Text | str] = [Text("{speed:.3g} s per step", speed=one.speed)]
    parts += [_memory(peak)] if peak is not None else []
    parts += [Text("{size} spilled", size=_memory(one.spilled_bytes))] if one.spilled_bytes else []
    return Text("{mark} {title}: {parts}", mark=screen.mark("ok"), title=one.candidate.title, parts=Listed(parts))


def _memory(count: int | None) -> str:
    return (
        gib(count)
        if count is None or count >= 2**30
        else say(Text("{number} MB", number=rounded(count / 2**20, 0)))
    )


def _name(one: CardProgram) -> str:
    return one.name or say(Text("process {pid}", pid=one.pid))
