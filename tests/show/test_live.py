"""Work under way, on a terminal and as plain lines."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest
from rich.console import Console
from rich.progress import BarColumn

from sdsetup.machine.children import Child
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
    assert "2.81 GB downloaded, 3 s" in early and "2.81 GB downloaded, 1 min 01 s" in late
    assert "cu121, checking" in early and "from" not in early
    wheels = {text.splitlines()[1].strip()[0] for text in (early, late)}
    assert wheels <= set("-\\|/") and len(wheels) == 2


def test_the_amount_leaves_out_what_is_not_known() -> None:
    assert amount(None, None, None) == ""
    assert amount(500, None, None) == "500 B"
    assert amount(500, 1000, 0) == "500 B of 1 kB"
    assert amount(1000, 1000, 10.0, "example.org") == "1 kB of 1 kB, 10 B/s (example.org)"


def two_steps() -> Plan:
    action = FetchFiles(files=())
    steps = tuple(
        Step(id=f"s{n}", title=Text("Step {n}", n=n), detail=Text(""), action=action, bytes=600 * 10**6)
        for n in range(2)
    )
    return Plan(dir="D", steps=steps)


def played(plan: Plan, events: list[Event], *, verbose: bool = False, terminal: bool = True) -> str:
    """Everything that was written to the terminal (or the pipe)."""
    paper = io.StringIO()
    console = Console(file=paper, force_terminal=terminal, width=80, color_system=None, legacy_windows=False)
    with Live(plan, Screen(console=console, verbose=verbose)) as live:
        for event in events:
            live.listen(event)
            if terminal:
                time.sleep(0.15)  # longer than a frame
    return paper.getvalue()


UNDER_WAY = [
    Event(kind="started", step="s0"),
    Event(kind="progress", step="s0", done=300 * 10**6, total=600 * 10**6, rate=5e6),
    Event(kind="note", step="s0", text=Text("Unpacking the packages")),
    Event(kind="note", step="s0", text=Text("Your file is kept as x.bak."), lasting=True),
    Event(kind="finished", step="s0", seconds=61.0, text=Text("600 MB in place")),
]


def test_the_whole_stands_above_the_step_under_way() -> None:
    written = played(two_steps(), UNDER_WAY[:2])
    assert "step 1 of 2, about 3 min left" in written
    assert written.index("step 1 of 2") < written.index("[1/2] Step 0")


def test_a_single_step_has_one_bar() -> None:
    plan = two_steps()
    assert "step 1 of" not in played(Plan(dir="D", steps=plan.steps[:1]), UNDER_WAY[:2])


def test_a_finished_step_is_one_line_and_what_the_user_has_to_know_stays() -> None:
    lines = [line.rstrip() for line in on_screen(played(two_steps(), UNDER_WAY)) if line.strip()]
    assert lines == ["    Your file is kept as x.bak.", "✓ [1/2] Step 0  1 min 01 s"]
    lines = [line.rstrip() for line in on_screen(played(two_steps(), UNDER_WAY, verbose=True)) if line.strip()]
    assert lines == [
        "    Unpacking the packages",
        "    Your file is kept as x.bak.",
        "✓ [1/2] Step 0  1 min 01 s",
        "    600 MB in place",
    ]


def test_a_note_stands_below_the_bar_while_it_is_true() -> None:
    assert "  Unpacking the packages" in played(two_steps(), UNDER_WAY[:3])


def test_with_v_the_commands_are_shown_without_secrets() -> None:
    def with_a_command(verbose: bool) -> str:
        paper = io.StringIO()
        console = Console(file=paper, force_terminal=False, width=80, color_system=None)
        argv = [sys.executable, "-c", "pass", "https://me:secret@example.org/x"]
        with Live(two_steps(), Screen(console=console, verbose=verbose)), Child(argv, env={}) as child:
            child.wait(20)
        return paper.getvalue()

    shown = with_a_command(verbose=True)
    assert "$ " in shown and "-c pass" in shown and "example.org" in shown and "secret" not in shown
    assert with_a_command(verbose=False) == ""


@pytest.mark.parametrize(("name", "value"), [("WT_SESSION", "1"), ("ConEmuANSI", "ON"), ("TERM_PROGRAM", "other")])
def test_title_and_progress_mark(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("WT_SESSION", "ConEmuANSI"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    written = played(two_steps(), UNDER_WAY)
    assert re.search(r"\x1b\]0;\d+ % - step 1 of 2, about 3 min left - sdsetup\x07", written)
    marks = re.findall(r"\x1b\]9;4;(\d);(\d+)\x1b\\", written)
    if name == "TERM_PROGRAM":
        assert marks == []
    else:
        assert marks[-1] == ("0", "0") and {state for state, _ in marks[:-1]} == {"1"}
    # The former title comes back.
    assert written.index("\x1b[22;0t") < written.index("\x1b]0;") < written.index("\x1b[23;0t")


def test_a_pipe_gets_neither_title_nor_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WT_SESSION", "1")
    written = played(two_steps(), UNDER_WAY, terminal=False)
    assert "\x1b" not in written and "\r" not in written
    assert [line.strip() for line in written.splitlines()] == [
        "[1/2] Step 0 ...", "Your file is kept as x.bak.", "✓ [1/2] Step 0  1 min 01 s",
    ]  # fmt: skip


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
