"""The doctor's documents of many PCs as one list, what needs hands first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdsetup.text import Text
from sdsetup.values.shape import misfit

SCHEMA = "sdsetup.doctor/1"
_SHAPE = {
    "schema": str,
    "ok": bool,
    "machine": {
        "gpus": [{"name?": (str, None), "vendor?": (str, None), "driver_version?": (str, None)}],
        "system?": ({"family?": (str, None)}, None),
    },
    "checks": [
        {
            "id": str,
            "status": str,
            "title": str,
            "summary": str,
            "fix": ({"text": str, "command": (str, None)}, None),
        }
    ],
}

Verdict = Literal["unreadable", "problem", "warning", "ok"]
_ORDER: tuple[Verdict, ...] = ("unreadable", "problem", "warning", "ok")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One check of one PC that is not in order; `fix`: a command, or a sentence."""

    id: str
    status: Literal["fail", "warn"]
    text: str
    fix: str | None = None


@dataclass(frozen=True, kw_only=True)
class FleetRow:
    """One PC. `troubles`: problems before warnings."""

    name: str
    verdict: Verdict
    cards: tuple[str, ...] = ()
    driver: str | None = None
    troubles: tuple[Trouble, ...] = ()
    unreadable: Text | None = None

    @property
    def count(self) -> tuple[int, int]:
        """Problems and warnings."""
        fails = sum(trouble.status == "fail" for trouble in self.troubles)
        return fails, len(self.troubles) - fails


def row_of(name: str, document: Any) -> FleetRow:
    """What the doctor's document of one PC says."""
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        return unreadable(name, Text("not the output of `sdsetup doctor --json`"))
    if wrong := misfit(document, _SHAPE):
        return unreadable(name, Text("unexpected content ({wrong})", wrong=wrong[:200]))
    gpus = document["machine"]["gpus"]
    troubles = tuple(
        Trouble(
            id=check["id"],
            status=check["status"],
            text=f"{check['title']}: {check['summary']}",
            fix=None if check["fix"] is None else check["fix"]["command"] or check["fix"]["text"],
        )
        for status in ("fail", "warn")
        for check in document["checks"]
        if check["status"] == status
    )
    return FleetRow(
        name=name,
        verdict=_verdict(troubles),
        cards=tuple(str(gpu.get("name") or gpu.get("vendor") or "unknown") for gpu in gpus),
        driver=next((gpu["driver_version"] for gpu in gpus if gpu.get("driver_version")), None),
        troubles=troubles,
    )


def unreadable(name: str, why: Text) -> FleetRow:
    return FleetRow(name=name, verdict="unreadable", unreadable=why)


def by_need(rows: Iterable[FleetRow]) -> tuple[FleetRow, ...]:
    """What nobody knows about first, then most problems, then most warnings; equals by name."""
    return tuple(
        sorted(
            rows,
            key=lambda row: (_ORDER.index(row.verdict), -row.count[0], -row.count[1], row.name.casefold()),
        )
    )


def _verdict(troubles: tuple[Trouble, ...]) -> Verdict:
    if any(trouble.status == "fail" for trouble in troubles):
        return "problem"
    return "warning" if troubles else "ok"
