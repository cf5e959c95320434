"""How values are worded for people: sentences, sizes, durations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sdsetup.command import Command
from sdsetup.show.commands import as_typed, commands_of, typed
from sdsetup.show.language import in_language, number, template_of
from sdsetup.text import Lines, Listed, Message, Number, Text, harmless, message, rounded


def say(text: Text | str) -> str:
    """The sentence in the language of this run. Every sentence passes here as a template with its values, so this
    is where the catalogue comes in, and where values are made harmless: they are names of files and words of
    other programs, which a terminal must show and not obey. A bare `str` is shown as it is."""
    if isinstance(text, Message):
        return in_language(text)
    if not isinstance(text, Text):
        return typed(text) if isinstance(text, Command) else as_typed(harmless(text, lines=True))
    template = harmless(template_of(text), lines=True)
    return _filled(as_typed(template, template=bool(text.values)), text)


def commands_in(text: Text | str) -> tuple[str, ...]:
    """The commands of a sentence as `say` writes them into it: broken at a blank, one could not be pasted."""
    if not isinstance(text, Text):
        return (typed(text),) if isinstance(text, Command) else ()
    template = harmless(template_of(text), lines=True)
    own = tuple(_filled(command, text) for command in commands_of(template, template=bool(text.values)))
    values = [one for value in text.values.values() for one in (value if isinstance(value, Listed) else (value,))]
    return own + tuple(command for value in values for command in commands_in(value))


def _filled(template: str, text: Text) -> str:
    if not text.values:
        return template  # which may hold braces of its own
    return template.format(**{name: _said(value) for name, value in text.values.items()})


def _said(value: Any) -> Any:
    """A value of a sentence; numbers stay what they are, as templates may say how they are written."""
    if isinstance(value, float):
        return _Number(value)
    if isinstance(value, Number):
        return number(value)
    if isinstance(value, Message):
        return in_language(value)
    if isinstance(value, Listed):
        return ", ".join(str(_said(one)) for one in value)
    if isinstance(value, (int, float)) or value is None:
        return value
    if isinstance(value, (Text, Command)):
        return say(value)
    if isinstance(value, Lines):
        return "\n".join(harmless(line) for line in value)
    return harmless(str(value))


class _Number(float):
    """Written with the decimal mark of the language."""

    def __format__(self, spec: str) -> str:
        return number(super().__format__(spec))

    __str__ = float.__repr__


def size(count: int | float | None) -> str:
    """Bytes for people, decimal units as drives and lines are sold: "4.27 GB", "512 MB"."""
    if count is None:
        return say(Text("unknown"))
    value = float(count)
    for unit in _DECIMAL:
        if abs(value) < 1000 or unit is _DECIMAL[-1]:
            digits = 0 if unit in _DECIMAL[:2] or value >= 100 else 1 if value >= 10 else 2
            return say(Text(unit, number=rounded(value, digits)))
        value /= 1000
    raise AssertionError("unreachable")


_DECIMAL = (message("{number} B"), message("{number} kB"), message("{number} MB"), message("{number} GB"))


def gib(count: int | None) -> str:
    """Memory for people, binary units as cards and sticks are sold: "8 GB" is 8 * 2**30 bytes."""
    return say(Text("unknown")) if count is None else gigabytes(count / 2**30)


def gigabytes(value: float) -> str:
    """The same for what is counted in such units already."""
    whole = abs(value - round(value)) < 0.07 or value >= 20
    return say(Text("{number} GB", number=rounded(value, 0 if whole else 1)))


def room_for(labels: Iterable[Message]) -> int:
    """Letters for the longest of these labels in the language of this run, and a blank."""
    return max(len(say(label)) for label in labels) + 1


def duration(seconds: float) -> str:
    """ "8 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return say(Text("{seconds} s", seconds=whole))
    if whole < 3600:
        return say(Text("{minutes} min {seconds:02d} s", minutes=whole // 60, seconds=whole % 60))
    return say(Text("{hours} h {minutes:02d} min", hours=whole // 3600, minutes=whole % 3600 // 60))
