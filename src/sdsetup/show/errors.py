"""How an error looks: what happened, where, why, one fix, its code and the log file."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from sdsetup.errors import DeclinedError, SdsetupError
from sdsetup.show.screen import Screen
from sdsetup.text import Text

SCHEMA = "sdsetup.error/1"


def error_json(error: SdsetupError) -> dict[str, Any]:
    """An error as the one document of a command that ends with it."""
    parts = {name: getattr(error, name) for name in ("message", "where", "why", "hint")}
    said = {name: None if value is None else str(value) for name, value in parts.items()}
    return {"schema": SCHEMA, "ok": False, "code": error.code, **said}


def show_error(error: SdsetupError, log: Path | None, screen: Screen | None = None) -> None:
    screen = screen or Screen(to_stderr=True)
    if isinstance(error, DeclinedError):
        screen.line(Text("Nothing was changed."))
        return
    screen.line(Text("{mark} {message}", mark=screen.mark("fail"), message=error.message), "fail")
    if error.where is not None:
        screen.line(Text("where: {where}", where=error.where), indent=2)
    if error.why is not None:
        screen.line(Text("why: {why}", why=error.why), indent=2)
    if error.hint is not None:
        screen.line(Text("fix: {hint}", hint=error.hint), "hint", indent=2)
    screen.line(Text("code: {code}", code=error.code), "quiet", indent=2)
    if log is not None:
        screen.line(Text("log: {log}", log=log), "quiet", indent=2)


def show_interrupted(screen: Screen | None = None) -> None:
    screen = screen or Screen(to_stderr=True)
    screen.line(Text("Stopped. Finished steps are kept. Run the same command to continue."))


def show_bug(error: Exception, log: Path | None, screen: Screen | None = None) -> None:
    screen = screen or Screen(to_stderr=True)
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "?"
    screen.line(
        Text(
            "{mark} Internal error: {kind} at {place}",
            mark=screen.mark("fail"),
            kind=type(error).__name__,
            place=place,
        ),
        "fail",
    )
    if log is not None:
        screen.line(Text("Report it with this log file: {log}", log=log), indent=2)
