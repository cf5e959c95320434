"""The plan on one screen: each step, what it changes, how many bytes, and the disk before and after."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text as Line

from sdsetup.show.screen import STYLES, Screen
from sdsetup.show.words import say, size
from sdsetup.text import Text
from sdsetup.values.plan import Plan, Step
from sdsetup.values.tuning import Tuning

SCHEMA = "sdsetup.plan/1"


_AROUND = 9  # lines above and below the steps


def show_plan(plan: Plan, screen: Screen) -> None:
    """Print the plan; finished steps say why they are left out. A step has a second line with
    its details where the window has room for it, and with -v."""
    screen.heading(Text("Plan for {dir}", dir=plan.dir))
    screen.line()
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(width=5, justify="right")
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    number, rows = 1, _grouped(plan.steps)
    detailed = screen.verbose or 2 * len(rows) + _AROUND <= screen.height
    for steps in rows:
        last = number + len(steps) - 1
        label = f"{number}." if last == number else f"{number}-{last}."
        what = _described(steps[0], screen) if len(steps) == 1 else _described_group(steps, screen)
        if not detailed:
            what = what[: what.plain.index("\n")]
        table.add_row(Line(label, style="dim"), what, _bytes(steps))
        number = last + 1
    screen.table(table)
    screen.line()
    screen.line(totals(plan))
    if (outside := outside_said(plan)) is not None:
        screen.line(outside)


def totals(plan: Plan) -> Text:
    """One sentence: what is transferred, what it takes on the disk, what stays free."""
    if not plan.todo:
        return Text("Nothing to do: everything is in place.")
    if not plan.bytes and not plan.disk_bytes:
        return Text("Nothing to download.")
    if plan.free_bytes is None:
        return Text(
            "Download: {down}. Disk space needed: {disk}. The free space is unknown.",
            down=size(plan.bytes),
            disk=size(plan.disk_bytes),
        )
    return Text(
        "Download: {down}. Disk space needed: {disk}. Free now: {free}, afterwards about {after}.",
        down=size(plan.bytes),
        disk=size(plan.disk_bytes),
        free=size(plan.free_bytes),
        after=size(max(0, plan.free_bytes - plan.disk_bytes)),
    )


def outside_said(plan: Plan) -> Text | None:
    """What an installation leaves outside of its folder; None where this plan adds nothing there."""
    if plan.outside is None or not plan.outside_bytes:
        return None
    return Text(
        "The package cache outside this folder, in {path}, will take about {size}. On the same drive, the "
        "Python environment shares its files.",
        path=plan.outside,
        size=size(plan.outside_bytes),
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as the versioned document: sizes in bytes."""
    return {
        "schema": SCHEMA,
        "dir": plan.dir,
        "bytes": plan.bytes,
        "disk_bytes": plan.disk_bytes,
        "free_bytes": plan.free_bytes,
        "outside": None if plan.outside is None else {"path": plan.outside, "bytes": plan.outside_bytes},
        "steps": [
            {
                "id": step.id,
                "title": str(step.title),
                "detail": str(step.detail),
                "bytes": step.bytes,
                "disk_bytes": step.disk_bytes,
                "state": step.state,
                "because": str(step.because),
            }
            for step in plan.steps
        ],
    }


def _described(step: Step, screen: Screen) -> Line:
    done = step.state == "done"
    line = Line(say(step.title), style="dim" if done else "")
    line.append("\n")
    if done:
        line.append(f"{screen.mark('ok')} {say(step.because)}", style=STYLES["ok"] if not done else "dim")
    else:
        line.append(say(step.detail), style="dim")
    return line


def _grouped(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Steps of one kind in one state share a row: five repositories are one thing to a person."""
    rows: list[tuple[Step, ...]] = []
    for step in steps:
        alike = bool(rows) and _is_repository(step) and _is_repository(rows[-1][0])
        if alike and rows[-1][0].state == step.state:
            rows[-1] = (*rows[-1], step)
        else:
            rows.append((step,))
    return rows


def _is_repository(step: Step) -> bool:
    return step.id.startswith("repository:")


def _described_group(steps: tuple[Step, ...], screen: Screen) -> Line:
    done = steps[0].state == "done"
    said = Text.plural(
        "{count} component that the web UI needs", "{count} components that the web UI needs", count=len(steps)
    )
    line = Line(say(said), style="dim" if done else "")
    names = ", ".join(step.id.partition(":")[2] for step in steps)
    line.append(f"\n{screen.mark('ok')} {names}" if done else f"\n{names}", style="dim")
    return line


def _bytes(steps: tuple[Step, ...]) -> Line:
    if steps[0].state == "done":
        return Line(say(Text("done")), style="dim")
    total = sum(step.bytes for step in steps)
    return Line(size(total) if total else "")


def show_warnings(tuning: Tuning, screen: Screen) -> None:
    """What the person should know before agreeing: the card is unsupported, slow, or something is missing."""
    if tuning.unsupported is not None:
        screen.line(Text("{mark} {why}", mark=screen.mark("warn"), why=tuning.unsupported.reason), "warn")
        screen.line(tuning.unsupported.instead, indent=2)
    for warning in tuning.warnings:
        screen.line(Text("{mark} {text}", mark=screen.mark("warn"), text=warning.text), "warn")
    if tuning.unsupported is not None or tuning.warnings:
        screen.line()
