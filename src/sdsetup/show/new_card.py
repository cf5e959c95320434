"""A new card, told: what was, what is, what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from sdsetup.command import Command
from sdsetup.decide.record import Change
from sdsetup.show.screen import Screen
from sdsetup.show.words import gib
from sdsetup.text import Message, Text, message

_NAMES: Mapping[str, Message] = {
    "card": message("Graphics card"),
    "vram": message("Video memory"),
    "driver": message("Driver"),
    "torch": message("PyTorch"),
    "settings": message("Settings"),
    "version": message("Version"),
}


def show_change(changes: Sequence[Change], screen: Screen, *, dir: PurePath | None, carried_out: bool) -> None:
    """`carried_out`: the plan follows; else the command that makes it is named."""
    screen.line()
    screen.line(Text("{mark} This PC has changed since installation:", mark=screen.mark("warn")), "warn")
    for change in changes:
        before, after = _said(change.what, change.before), _said(change.what, change.after)
        name = _NAMES[change.what]
        screen.line(Text("{what}: {before} -> {after}", what=name, before=before, after=after), indent=2)
    undo = Command("sdsetup", "undo", *(("--dir", dir) if dir else ()))
    screen.line(Text("Models, images, extensions, and your own flags stay. To undo:"), indent=2)
    screen.command(undo, indent=4)
    if not carried_out:
        screen.line(Text("Update the installation for this PC:"))
        screen.command(Command("sdsetup", "tune", "--yes", *(("--dir", dir) if dir else ())), indent=2)
    screen.line()


def _said(what: str, value: str | None) -> str:
    if value is None:
        return message("CPU") if what == "card" else message("unknown")
    return gib(int(value)) if what == "vram" and value.isdigit() else value
