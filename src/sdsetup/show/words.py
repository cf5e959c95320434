"""How values are worded for people: sentences, sizes, durations."""

from __future__ import annotations

from typing import Any

from sdsetup.command import Command
from sdsetup.show.commands import as_typed, typed
from sdsetup.text import Lines, Text, harmless


def say(text: Text | str) -> str:
    """The sentence as the person reads it: English so far. Every sentence passes here as a template with its
    values, so this is where another language's catalogue comes in, and where values are made harmless: they
    are names of files and words of other programs, which a terminal must show and not obey."""
    if not isinstance(text, Text):
        return typed(text) if isinstance(text, Command) else as_typed(harmless(text, lines=True))
    template = as_typed(harmless(text.template, lines=True))
    return (
        template.format(**{name: _said(value) for name, value in text.values.items()}) if text.values else template
    )


def _said(value: Any) -> Any:
    """A value of a sentence; numbers stay what they are, as templates may say how they are written."""
    if isinstance(value, (int, float)) or value is None:
        return value
    if isinstance(value, (Text, Command)):
        return say(value)
    if isinstance(value, Lines):
        return "\n".join(harmless(line) for line in value)
    return harmless(str(value))


def size(count: int | float | None) -> str:
    """Bytes for people, decimal units as drives and lines are sold: "4.27 GB", "512 MB"."""
    if count is None:
        return "unknown"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000 or unit == "GB":
            digits = 0 if unit in ("B", "kB") or value >= 100 else 1 if value >= 10 else 2
            return f"{value:.{digits}f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def gib(count: int | None) -> str:
    """Memory for people, binary units as cards and sticks are sold: "8 GB" is 8 * 2**30 bytes."""
    if count is None:
        return "unknown"
    value = count / 2**30
    return f"{value:.0f} GB" if abs(value - round(value)) < 0.07 or value >= 20 else f"{value:.1f} GB"


def duration(seconds: float) -> str:
    """ "8 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
