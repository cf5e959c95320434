"""Many PCs in one table, and the same as one document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text as Line

from sdsetup.decide.fleet import FleetRow
from sdsetup.show.screen import STYLES, Screen
from sdsetup.show.words import say
from sdsetup.text import Listed, Text, harmless

_STATUS = {"unreadable": "fail", "problem": "fail", "warning": "warn", "ok": "ok"}


def show_fleet(rows: Sequence[FleetRow], screen: Screen) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in (Text("PC"), Text("Graphics card"), Text("Driver"), Text("Result")):
        table.add_column(say(heading), overflow="fold")
    table.add_column(say(Text("What needs attention")), overflow="fold", ratio=1)
    for row in rows:
        status = _STATUS[row.verdict]
        table.add_row(
            Line(harmless(row.name)),
            Line(harmless(", ".join(row.cards)) or "-"),
            Line(harmless(row.driver or "-")),
            Line(f"{screen.mark(status)} {say(_result(row))}", style=STYLES.get(status, "")),
            _troubles(row),
        )
    screen.table(table)
    screen.line()
    hands = sum(row.verdict in ("problem", "unreadable") for row in rows)
    if hands:
        screen.line(Text("PCs that need attention: {hands} of {count}", hands=hands, count=len(rows)), "fail")
    else:
        screen.line(
            Text.plural("No problems found on {count} PC", "No problems found on {count} PCs", count=len(rows)),
            "ok",
        )


def fleet_json(rows: Sequence[FleetRow]) -> dict[str, Any]:
    """The rows in the order of the table."""
    return {
        "schema": "sdsetup.fleet/1",
        "ok": all(row.verdict in ("ok", "warning") for row in rows),
        "pcs": [
            {
                "name": row.name,
                "verdict": row.verdict,
                "cards": list(row.cards),
                "driver": row.driver,
                "why": None if row.unreadable is None else str(row.unreadable),
                "troubles": [
                    {"id": one.id, "status": one.status, "text": one.text, "fix": one.fix} for one in row.troubles
                ],
            }
            for row in rows
        ],
    }


def _result(row: FleetRow) -> Text:
    if row.verdict == "unreadable":
        return Text("Unreadable")
    fails, warns = row.count
    if not fails and not warns:
        return Text("OK")
    problems = Text.plural("{count} problem", "{count} problems", count=fails)
    warnings = Text.plural("{count} warning", "{count} warnings", count=warns)
    return Text("{parts}", parts=Listed(said for said, n in ((problems, fails), (warnings, warns)) if n))


def _troubles(row: FleetRow) -> Line:
    if row.unreadable is not None:
        return Line(say(row.unreadable))
    line = Line()
    for number, one in enumerate(row.troubles):
        line.append("\n" if number else "")
        line.append(harmless(one.text), style="" if one.status == "fail" else "dim")
        if one.status == "fail" and one.fix:
            line.append(f"\n  {harmless(one.fix)}", style=STYLES.get("hint", ""))
    return line
