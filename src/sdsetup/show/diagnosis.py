"""How a diagnosis looks: what happened, why, the way out, and the line of the log that says so."""

from __future__ import annotations

from pathlib import Path

from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.show.screen import Screen
from sdsetup.text import Text

_SHOWN = 160  # letters of the log's line


def show_diagnosis(found: Diagnosis, log: Path | None, screen: Screen, *, status: str = "fail") -> None:
    """The whole block; `status` is "fail", or "warn" for what is only worth knowing."""
    screen.line(Text("{mark} {title}", mark=screen.mark(status), title=found.title), status)
    screen.field("why:", found.cause)
    screen.field("fix:", found.fix.text)
    if found.fix.command is not None:
        screen.command(found.fix.command, indent=8)
    seen = found.evidence if len(found.evidence) <= _SHOWN else found.evidence[: _SHOWN - 3] + "..."
    screen.field("seen:", seen, "quiet")
    show_log(log, screen)


def show_unknown(last: list[str], log: Path | None, screen: Screen) -> None:
    """The end of a log in which nothing known is: its last lines, and where the rest is."""
    screen.line(Text("{mark} Its last words are nothing that sdsetup knows:", mark=screen.mark("fail")), "fail")
    for line in [line for line in last if line.strip()][-6:]:
        screen.line(line[:_SHOWN], "quiet", indent=4)
    screen.field("fix:", Text("Gather what a helper needs, and ask with it:"))
    screen.command("sdsetup report", indent=8)
    show_log(log, screen)


def show_log(log: Path | None, screen: Screen) -> None:
    if log is not None:
        screen.field("log:", str(log), "quiet")
