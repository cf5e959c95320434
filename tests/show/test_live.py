"""Work under way, on a terminal and as plain lines."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest
from rich.console import Console
from rich.progress import BarColumn

from sdsetup.show import bars
from sdsetup.show.live import Live, _Amount, _Spinner, _Steps, amount
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.events import CHECKING, Event
from sdsetup.values.plan import FetchFiles, Plan, Step

GB = 10**9


def drawn(*, completed: int, source: str | None, after: tuple[float, ...] = (0.0,)) -> list[str]:
    """One step's lines in a terminal of 80 columns, after so many seconds of work each."""
    now = [100.0]
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    steps = _Steps(
        _Spinner("line"), BarColumn(bar_width=24), _Amount(),
        console=console,
    )  # fmt: skip
    steps.get_time = lambda: now[0]
    task = steps.add_task("[7/13] Python environment with PyTorch 2.1.2+cu121", total=None, rate=None, source=None)
    steps.update(task, total=int(2.81 * GB), completed=completed, rate=50e6, source=source)
    shown = []
    for seconds in after:
        now[0] = 100.0 + seconds
        with console.capture() as caught:
            for line in steps.get_renderables():
                console.print(line)
        shown.append(caught.get())
    return shown


def on_screen(written: str) -> list[str]:
    """What a terminal of endless height shows in the end: the few movements that Rich makes, played."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if token == "\r":
            column = 0
        elif token == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif token.startswith("\x1b"):
            if token.endswith("A"):
                row -= int(token[2:-1])
            elif token.endswith("K"):
                lines[row] = ""
        else:
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + len(token) :]
            column += len(token)
    return lines


def test_while_bytes_come_it_says_how_many_how_fast_and_how_long() -> None:
    (shown,) = drawn(completed=GB, source="example.org")
    assert "PyTorch 2.1.2+cu121, from example.org" in shown
    assert "1.00 GB of 2.81 GB, 50.0 MB/s, 36 s left" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_after_the_last_byte_the_wheel_turns_on_and_the_time_counts() -> None:
    early, late = drawn(completed=int(2.81 * GB), source=CHECKING, after=(3.05, 61.2))
    assert "2.81 GB there, 3 s" in early and "2.81 GB there, 1 min 01 s" in late
    assert "cu121, checking" in early and "from" not in early
    wheels = {text.splitlines()[1].strip()[0] for text in (early, late)}
    assert wheels <= set("-\\|/") and len(wheels) == 2


def test_the_amount_leaves_out_what_is_not_known() -> None:
    assert amount(None, None, None) == ""
    assert amount(500, None, None) == "500 B"
    assert amount(500, 1000, 0) == "500 B of 1 kB"
    assert amount(1000, 1000, 10.0, "example.org") == "1 kB of 1 kB, 10 B/s (example.org)"


def test_many_short_steps_leave_each_line_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "_FRAME", 0.002)
    paper = io.StringIO()
    console = Console(file=paper, force_terminal=True, width=80, color_system=None)
    action = FetchFiles(files=())
    steps = tuple(Step(id=f"s{n}", title=Text("Step {n}", n=n), detail=Text(""), action=action) for n in range(60))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change in the middle of everything
    try:
        with Live(Plan(dir="D", steps=steps), Screen(console=console)) as live:
            for step in steps:
                live.listen(Event(kind="started", step=step.id))
                for done in range(5):
                    live.listen(Event(kind="progress", step=step.id, done=done, total=5, source="example.org"))
                    time.sleep(0.005)
                live.listen(Event(kind="finished", step=step.id, seconds=0.1))
    finally:
        sys.setswitchinterval(interval)
    lines = [line for line in on_screen(paper.getvalue()) if line]
    assert [line.split("]")[1].strip() for line in lines] == [f"Step {n}" for n in range(60)]
