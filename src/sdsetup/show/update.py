"""An update on a screen and as JSON: from where to where, what stays, and how to go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sdsetup.command import Command
from sdsetup.show.plan import plan_json, show_plan
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.extensions import Extension
from sdsetup.values.plan import Plan

SCHEMA = "sdsetup.update/1"


class Update(Protocol):
    """What is shown of an update."""

    @property
    def dir(self) -> Path: ...
    @property
    def present(self) -> str: ...
    @property
    def commit(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def extensions(self) -> Sequence[Extension]: ...
    @property
    def models(self) -> bool: ...
    @property
    def interrupted(self) -> bool: ...
    @property
    def moves(self) -> bool: ...


def show_update_plan(update: Update, screen: Screen) -> None:
    """From where to where, and in which order."""
    if update.interrupted:
        screen.line(Text("An earlier change was interrupted. It will be completed first."), "warn")
    if update.moves:
        screen.heading(
            Text(
                "Update the web UI in {dir}: {old} to {name} ({new})",
                dir=update.dir,
                old=update.present[:8],
                name=update.name,
                new=update.commit[:8],
            )
        )
        screen.line(
            Text(
                "The new version is tested next to the current one with your models, extensions, and changes. "
                "It replaces the current one only if it works."
            )
        )
        screen.line()
        show_plan(update.plan, screen)
        if not update.models:
            screen.line(Text("No model found, so no test image will be made."), "warn")
        screen.line(Text("Launch file, models, images, extensions, and settings stay."))
    else:
        screen.line(
            Text(
                "{dir} is already at {name} ({commit}).",
                dir=update.dir,
                name=update.name,
                commit=update.commit[:8],
            )
        )
    if update.extensions:
        names = ", ".join(one.name for one in update.extensions)
        screen.line(Text("Extensions to update: {names}", names=names))


def show_updated(update: Update, moved: Mapping[str, tuple[str, str]], screen: Screen) -> None:
    mark = screen.mark("ok")
    if update.moves or update.interrupted:
        screen.line(Text("{mark} The web UI is now at {name}.", mark=mark, name=update.name), "ok")
    for name, (old, new) in moved.items():
        screen.line(Text("{mark} {name}: {old} to {new}", mark=mark, name=name, old=old[:8], new=new[:8]), "ok")
    if update.extensions and not moved:
        screen.line(Text("{mark} The extensions are up to date.", mark=mark), "ok")
    if update.moves or update.interrupted:
        screen.line(Text("To undo:"))
        screen.command(Command("sdsetup", "undo", "--dir", update.dir), indent=2)


def update_json(
    update: Update, image: str | None, moved: Mapping[str, tuple[str, str]], *, done: bool
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "dir": str(update.dir),
        "from": update.present,
        "to": update.commit,
        "name": update.name,
        "moves": update.moves,
        "plan": plan_json(update.plan),
        "extensions": [{"name": name, "from": old, "to": new} for name, (old, new) in moved.items()],
        "image": image,
        "done": done,
    }
