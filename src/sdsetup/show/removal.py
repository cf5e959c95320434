"""What is removed and what stays, on a screen and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdsetup.show.screen import Screen
from sdsetup.show.words import size
from sdsetup.text import Text
from sdsetup.values.removal import Item, Removal


def show_removal(removal: Removal, outside: Sequence[Item], frees: int, screen: Screen) -> None:
    """What goes, what stays and where, with sizes."""
    screen.heading(Text("Uninstall the web UI in {dir}", dir=removal.dir))
    screen.line()
    screen.line(Text("Will be removed:"), "bold")
    _rows((*removal.goes, *(item for item in outside if item.why is None)), screen)
    stays = (*removal.stays, *(item for item in outside if item.why is not None))
    if stays:
        screen.line()
        screen.line(Text("Will stay:"), "bold")
        _rows(stays, screen)
    screen.line()
    screen.line(Text("This frees {size}. Models and images are never removed.", size=size(frees)))
    if sum(item.bytes for item in removal.goes) > 2 * frees:
        screen.line(Text("The rest is shared with your own uv cache. To empty it:"))
        screen.command("uv cache clean", indent=2)


def show_clean(items: Sequence[Item], frees: int, screen: Screen) -> None:
    goes, stays = [item for item in items if item.why is None], [item for item in items if item.why is not None]
    if goes:
        screen.line(Text("Will be removed:"), "bold")
        _rows(goes, screen)
    if stays:
        screen.line(Text("Will stay:"), "bold")
        _rows(stays, screen)
    if goes:
        screen.line(Text("This frees {size}. Anything needed later is downloaded again.", size=size(frees)))


def show_nothing_to_remove(removal: Removal, screen: Screen) -> None:
    """There is nothing of ours, or nothing any more."""
    screen.line(Text("Nothing made by sdsetup is left in {dir}", dir=removal.dir))
    if removal.stays:
        _rows(removal.stays, screen)


def show_removed(removal: Removal, screen: Screen) -> None:
    screen.line()
    screen.line(Text("{mark} Uninstalled", mark=screen.mark("ok")), "ok")
    if removal.stays:
        screen.line(Text("Your files are still in:"))
        screen.command(str(removal.dir), indent=2)


def removal_json(
    schema: str, dir: object, goes: Sequence[Item], stays: Sequence[Item], *, frees: int, done: bool
) -> dict[str, Any]:
    """`frees` in bytes; `done`: it was removed, not only listed."""
    return {
        "schema": schema,
        "dir": None if dir is None else str(dir),
        "goes": [_json(item) for item in goes],
        "stays": [_json(item) for item in stays],
        "frees": frees,
        "done": done,
    }


def _json(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "path": str(item.path),
        "files": len(item.files) or None,
        "bytes": item.bytes,
        "why": None if item.why is None else str(item.why),
    }


def _rows(items: Sequence[Item], screen: Screen) -> None:
    """One line for each kind of thing that lies in many places, else one for each thing."""
    grouped: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        many = item.kind in ("bytecode", "records", "repository", "launch-file") and item.why is None
        grouped.setdefault((item.kind, "" if many else str(item.path)), []).append(item)
    for group in grouped.values():
        first, total = group[0], sum(item.bytes for item in group)
        where = first.path if len(group) == 1 else first.path.parent
        told = Text("{what}  {path}", what=_named(group), path=where)
        if first.why is not None:
            told = Text("{what}  {path}  ({why})", what=_named(group), path=where, why=first.why)
        screen.field(f"{size(total):>9}", told, room=11)


def _named(group: Sequence[Item]) -> Text:
    if len(group) == 1:
        return group[0].what
    names = {
        "bytecode": Text("Compiled files"),
        "records": Text("sdsetup's own records, logs, and test images"),
        "repository": Text("{count} repositories of the web UI", count=len(group)),
        "launch-file": Text("Launch files"),
    }
    return names[group[0].kind]
