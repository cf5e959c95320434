"""How a diagnosis looks: what happened, why, the fix, and the line of the log that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdsetup.decide.diagnosis import Diagnosis, Reading
from sdsetup.show.screen import Screen
from sdsetup.show.words import room_for
from sdsetup.text import Text, message, some

SCHEMA = "sdsetup.fix/1"

_SHOWN = 160  # letters of the log's line
_WHY, _FIX, _SEEN, _ALSO, _LOG = _LABELS = (
    message("why:"),
    message("fix:"),
    message("seen:"),
    message("also:"),
    message("log:"),
)


def show_diagnosis(found: Diagnosis, log: Path | None, screen: Screen, *, status: str = "fail") -> None:
    """The whole block; `status` is "fail", or "warn" for what is only worth knowing."""
    screen.line(Text("{mark} {title}", mark=screen.mark(status), title=found.title), status)
    room = room_for(_LABELS)
    screen.field(_WHY, found.cause, room=room)
    screen.field(_FIX, found.fix.text, room=room)
    if found.fix.command is not None:
        screen.command(found.fix.command, indent=2 + room)
    seen = found.evidence if len(found.evidence) <= _SHOWN else found.evidence[: _SHOWN - 3] + "..."
    screen.field(_SEEN, seen, "quiet", room=room)
    if found.also:
        screen.field(_ALSO, some(found.also), "quiet", room=room)
    show_log(log, screen)


def show_unknown(last: list[str], log: Path | None, screen: Screen) -> None:
    """The end of a log in which nothing known is: its last lines, and where the rest is."""
    screen.line(Text("{mark} The log matches no known problem. Its last lines:", mark=screen.mark("fail")), "fail")
    for line in [line for line in last if line.strip()][-6:]:
        screen.line(line[:_SHOWN], "quiet", indent=4)
    room = room_for(_LABELS)
    screen.field(_FIX, Text("Create a support report and ask with it:"), room=room)
    screen.command("sdsetup report", indent=2 + room)
    show_log(log, screen)


def show_reading(reading: Reading, log: Path | None, screen: Screen) -> None:
    """What a whole log says, and what in it is worth knowing besides."""
    if reading.diagnosis is not None:
        show_diagnosis(reading.diagnosis, log, screen)
    elif reading.state == "unknown":
        show_unknown(list(reading.last_words), log, screen)
    else:
        said = reading.notes[0]
        status = "ok" if reading.state == "healthy" else "warn"
        screen.line(Text("{mark} {title}", mark=screen.mark(status), title=said.title), status)
        screen.field(_WHY, said.cause, room=room_for(_LABELS))
    for note in reading.notes[0 if reading.diagnosis is not None else 1 :]:
        show_diagnosis(note, None, screen, status="warn")


def reading_json(reading: Reading) -> dict[str, Any]:
    """The document of `sdsetup fix --json`."""
    return {
        "schema": SCHEMA,
        "diagnosis": None if reading.diagnosis is None else _finding_json(reading.diagnosis),
        "notes": [_finding_json(note) for note in reading.notes],
    }


def _finding_json(found: Diagnosis) -> dict[str, Any]:
    """`line` counts from 1; `evidence` and `line` are null where no line says it."""
    return {
        "id": found.id,
        "title": str(found.title),
        "cause": str(found.cause),
        "fix": {"text": str(found.fix.text), "command": found.fix.command},
        "evidence": found.evidence or None,
        "line": found.line or None,
    }


def show_log(log: Path | None, screen: Screen) -> None:
    if log is not None:
        screen.field(_LOG, str(log), "quiet", room=room_for(_LABELS))
