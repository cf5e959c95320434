"""Work under way, on a terminal and as plain lines."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import BarColumn

from sdsetup.decide.events import CHECKING
from sdsetup.show.live import _Amount, _Bars, _Spinner, amount

GB = 10**9


def drawn(*, completed: int, source: str | None, after: tuple[float, ...] = (0.0,)) -> list[str]:
    """One step's lines in a terminal of 80 columns, after so many seconds of work each."""
    now = [100.0]
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    bars = _Bars(
        _Spinner("line"), BarColumn(bar_width=24), _Amount(),
        console=console, auto_refresh=False, get_time=lambda: now[0],
    )  # fmt: skip
    task = bars.add_task("[7/13] Python environment with torch 2.1.2+cu121", total=None, rate=None, source=None)
    bars.update(task, total=int(2.81 * GB), completed=completed, rate=50e6, source=source)
    shown = []
    for seconds in after:
        now[0] = 100.0 + seconds
        with console.capture() as caught:
            for line in bars.get_renderables():
                console.print(line)
        shown.append(caught.get())
    return shown


def test_while_bytes_come_it_says_how_many_how_fast_and_how_long() -> None:
    (shown,) = drawn(completed=GB, source="example.org")
    assert "torch 2.1.2+cu121, from example.org" in shown
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
