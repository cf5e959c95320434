"""What is said when a report, or a list of what an installation is made of, has been written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.text import Text


def show_written(document: dict[str, Any], path: Path, screen: Screen) -> None:
    """Where it is, what it holds, and what a helper does with it."""
    screen.line(
        Text("{mark} The report is in {path}", mark=screen.mark("ok"), path=path.absolute()),
        "ok",
    )
    screen.line(
        Text(
            "It holds facts about this PC, {checks} findings, the settings for its card and the ends of"
            " {logs} logs.",
            checks=len(document["checks"]),
            logs=len(document["logs"]),
        ),
        indent=2,
    )
    screen.line(
        Text(
            "Names, user folders, tokens, serial numbers and addresses were taken out. It is plain text:"
            " look through it before you post it."
        ),
        indent=2,
    )
    screen.line(Text("A helper reads it with:"), indent=2)
    screen.command(Command("sdsetup", "doctor", "--facts", path.name), indent=4)


def show_bill(document: dict[str, Any], path: Path, screen: Screen) -> None:
    """Where the list is, and how long."""
    said = Text(
        "{mark} {count} components are listed in {path}",
        mark=screen.mark("ok"),
        count=len(document["components"]),
        path=path.absolute(),
    )
    screen.line(said, "ok")
