"""What `doctor --fix` offers, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.findings import Report


class Offered(Protocol):
    """What is shown of a fix."""

    @property
    def id(self) -> str: ...
    @property
    def finding(self) -> str: ...
    @property
    def what(self) -> Text: ...
    @property
    def undo(self) -> Text: ...


def show_offer(offered: Sequence[Offered], report: Report, screen: Screen) -> None:
    """The fixes with what each changes and how to undo it; and what only an administrator can do."""
    screen.line()
    if not offered:
        screen.line(Text("sdsetup can't fix anything here by itself."))
    else:
        screen.line(Text("Fixes that don't need administrator rights:"), "bold")
        titles = {finding.id: finding.title for finding in report.findings}
        for number, action in enumerate(offered, 1):
            screen.line(
                Text("{number}. {title}: {what}", number=number, title=titles[action.finding], what=action.what),
                indent=2,
            )
            screen.line(Text("To undo: {undo}", undo=action.undo), "quiet", indent=5)
    covered = {action.finding for action in offered}
    left = [
        f
        for f in report.findings
        if f.status in ("warn", "fail") and f.id not in covered and f.fix and f.fix.command
    ]
    if left:
        screen.line()
        screen.line(Text("Run these yourself:"), "bold")
        for finding in left:
            assert finding.fix is not None
            screen.line(Text("{title}: {text}", title=finding.title, text=finding.fix.text), indent=2)
            screen.command(finding.fix.command or "", indent=5)


def show_done(said: Text, screen: Screen) -> None:
    screen.line(Text("{mark} {said}", mark=screen.mark("ok"), said=said), "ok")
