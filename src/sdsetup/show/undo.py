"""What a step back brings, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sdsetup.show.screen import Screen
from sdsetup.show.words import size
from sdsetup.text import Text
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.undo_point import Point

SCHEMA = "sdsetup.undone/1"


class Kept(Protocol):
    """What is shown of a thing that was set aside."""

    @property
    def path(self) -> Path: ...
    @property
    def bytes(self) -> int: ...


def show_point(point: Point, screen: Screen) -> None:
    """What would come back."""
    then = point.machine
    screen.heading(Text("One step back, to how it was before {at}", at=point.at.replace("T", " ").split("+")[0]))
    screen.line(Text("made for: {card}", card=_card(then)), indent=2)
    screen.line(Text("flags: {flags}", flags=" ".join(then.flags) or "none"), indent=2)
    if point.environment:
        screen.line(Text("environment: the former one, with torch {torch}", torch=then.torch or "?"), indent=2)
    screen.line(Text("Models, pictures, extensions and your own flags stay. The same command again goes forward."))


def show_undone(point: Point, screen: Screen) -> None:
    card = _card(point.machine)
    screen.line(Text("{mark} Back to the settings for {card}.", mark=screen.mark("ok"), card=card), "ok")


def _card(machine: InstallRecord) -> str:
    return machine.card or ("the processor" if machine.made_here else "an unknown card")


def show_kept(kept: Sequence[Kept], screen: Screen) -> None:
    """What was set aside in this folder, for the person to keep or to delete."""
    if not kept:
        return
    screen.line()
    screen.line(Text("Set aside by earlier changes. sdsetup never deletes these; delete what you don't need:"))
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
        "kept": [{"path": str(one.path), "bytes": one.bytes} for one in kept],
    }
