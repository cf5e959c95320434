"""What undo brings back, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.show.words import size
from sdsetup.text import Text, message
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.undo_point import Point

SCHEMA = "sdsetup.undone/1"
LIST_SCHEMA = "sdsetup.undo-list/1"
_REASONS = {
    "install": Text("before an installation"),
    "settings": Text("before new settings"),
    "update": Text("before an update"),
    "undo": Text("before an undo"),
}


class Kept(Protocol):
    """What is shown of a thing that was set aside."""

    @property
    def path(self) -> Path: ...
    @property
    def bytes(self) -> int: ...


def show_point(point: Point, screen: Screen) -> None:
    """What would come back."""
    then = point.machine
    screen.heading(Text("Undo: back to the state before {at}", at=_when(point)))
    screen.line(Text("Graphics card: {card}", card=_card(then)), indent=2)
    if point.code and point.commit is not None:
        screen.line(Text("Web UI: commit {commit}", commit=point.commit[:8]), indent=2)
    screen.line(Text("Flags: {flags}", flags=" ".join(then.flags) or message("none")), indent=2)
    if point.environment:
        said = Text("Python environment: the previous one, with torch {torch}", torch=then.torch or "?")
        screen.line(said, indent=2)
    screen.line(Text("Models, images, extensions, and your own flags stay. Run the same command again to redo."))


def show_points(points: Sequence[Point], folder: Path, screen: Screen) -> None:
    """Every point with its date, reason and size."""
    if not points:
        screen.line(Text("Nothing to undo in {folder}", folder=folder))
        return
    screen.heading(Text("What you can undo in {folder}", folder=folder))
    for point in points:
        reason = _REASONS.get(point.reason, _REASONS["install"])
        told = Text(
            "{at}, {reason}{detail}  ({size})",
            at=_when(point),
            reason=reason,
            detail=_detail(point),
            size=size(point.bytes),
        )
        screen.field(f"{point.number}.", told, room=5)
        for line in _brings(point):
            screen.line(line, "quiet", indent=7)
    screen.line(Text("Go back to one of them:"))
    screen.command(Command("sdsetup", "undo", "--to", points[0].number, "--dir", folder), indent=2)


def _brings(point: Point) -> list[Text]:
    lines = []
    if point.code and point.commit is not None:
        lines.append(Text("Web UI: commit {commit}", commit=point.commit[:8]))
    if point.environment_gone:
        lines.append(Text("Python environment: deleted, can't be brought back"))
    elif point.environment:
        lines.append(Text("Python environment: with torch {torch}", torch=point.machine.torch or "?"))
    lines.append(Text("Flags: {flags}", flags=" ".join(point.machine.flags) or message("none")))
    if point.models_since:
        lines.append(Text("Models added since then stay: {names}", names=", ".join(point.models_since)))
    return lines


def _when(point: Point) -> str:
    return point.at.replace("T", " ").split("+")[0]


def _detail(point: Point) -> str:
    return f" ({point.detail})" if point.detail else ""


def points_json(points: Sequence[Point], folder: Path, kept: Sequence[Kept]) -> dict[str, Any]:
    return {
        "schema": LIST_SCHEMA,
        "dir": str(folder),
        "points": [
            {
                "number": point.number,
                "at": point.at,
                "reason": point.reason,
                "detail": point.detail,
                "bytes": point.bytes,
                "card": point.machine.card,
                "torch": point.machine.torch,
                "flags": list(point.machine.flags),
                "commit": point.commit,
                "code": point.code,
                "environment": point.environment,
                "environment_gone": point.environment_gone,
                "models_since": list(point.models_since),
            }
            for point in points
        ],
        "kept": [{"path": str(one.path), "bytes": one.bytes} for one in kept],
    }


def show_undone(point: Point, screen: Screen) -> None:
    card = _card(point.machine)
    screen.line(Text("{mark} Undone. Settings are for {card} again.", mark=screen.mark("ok"), card=card), "ok")


def _card(machine: InstallRecord) -> str:
    return machine.card or (message("the CPU") if machine.made_here else message("an unknown graphics card"))


def show_kept(kept: Sequence[Kept], screen: Screen) -> None:
    """What was set aside in this folder, for the person to keep or to delete."""
    if not kept:
        return
    screen.line()
    screen.line(Text("Backups from earlier changes. sdsetup never deletes these. Delete what you don't need:"))
    for one in kept:
        screen.line(Text("{size}  {path}", size=size(one.bytes), path=one.path), "quiet", indent=2)


def undone_json(point: Point, folder: Path, kept: Sequence[Kept]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "dir": str(folder),
        "at": point.at,
        "card": point.machine.card,
        "torch": point.machine.torch,
        "flags": list(point.machine.flags),
        "environment": point.environment,
        "commit": point.commit,
        "code": point.code,
        "kept": [{"path": str(one.path), "bytes": one.bytes} for one in kept],
    }
