"""A new card, told: what was, what is, what stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from sdsetup.command import Command
from sdsetup.decide.record import Change
from sdsetup.show.screen import Screen
from sdsetup.show.words import gib
from sdsetup.text import Text, message


def show_change(changes: Sequence[Change], screen: Screen, *, dir: PurePath | None, carried_out: bool) -> None:
    """`carried_out`: the plan follows; else the command that makes it is named."""
    screen.line()
    screen.line(
        Text("{mark} This PC has changed since the installation was made:", mark=screen.mark("warn")), "warn"
    )
    for change in changes:
        before, after = _said(change.what, change.before), _said(change.what, change.after)
        screen.line(Text("{what}: {before} -> {after}", what=change.what, before=before, after=after), indent=2)
    screen.line(Text("Models, pictures, extensions and your own flags stay. `sdsetup undo` goes back."), indent=2)
    if not carried_out:
        screen.line(Text("To make it fit:"))
        screen.command(Command("sdsetup", "tune", "--yes", *(("--dir", dir) if dir else ())), indent=2)
    screen.line()


def _said(what: str, value: str | None) -> str:
    if value is None:
        return message("the processor") if what == "card" else message("unknown")
    return gib(int(value)) if what == "vram" and value.isdigit() else value
