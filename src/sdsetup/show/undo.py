"""What a step back brings, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdsetup.decide.undo import Point
from sdsetup.show.screen import Screen
from sdsetup.text import Text

SCHEMA = "sdsetup.undone/1"


def show_point(point: Point, screen: Screen) -> None:
    """What would come back."""
    then = point.machine
    screen.heading(Text("One step back, to how it was before {at}", at=point.at.replace("T", " ").split("+")[0]))
    screen.line(Text("made for: {card}", card=then.card or "the processor"), indent=2)
    screen.line(Text("flags: {flags}", flags=" ".join(then.flags) or "none"), indent=2)
    if point.environment:
        screen.line(Text("environment: the former one, with torch {torch}", torch=then.torch or "?"), indent=2)
    screen.line(Text("Models, pictures, extensions and your own flags stay. The same command again goes forward."))


def show_undone(point: Point, screen: Screen) -> None:
    card = point.machine.card or "the processor"
    screen.line(Text("{mark} Back to the settings for {card}.", mark=screen.mark("ok"), card=card), "ok")


def undone_json(point: Point, folder: Path) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "dir": str(folder),
        "at": point.at,
        "card": point.machine.card,
        "torch": point.machine.torch,
        "flags": list(point.machine.flags),
        "environment": point.environment,
    }
