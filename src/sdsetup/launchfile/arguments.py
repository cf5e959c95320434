"""COMMANDLINE_ARGS as letters that remember how they are written: one flag can change and the rest stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sdsetup.values.flags import Flag, Settings, is_flag, names_of, parsed_flags, word

Role = Literal["letter", "operator", "paren", "reference"]


@dataclass(frozen=True)
class Unit:
    """One letter of a value, or one reference to a variable.

    `text`: what the program gets (for a reference: the variable's name). `raw`: how the file writes
    it, None for a letter that we add. `quoted`: whether `raw` is right inside quotes.
    """

    text: str
    raw: str | None = None
    quoted: bool = False
    role: Role = "letter"


@dataclass(frozen=True)
class Token:
    """One argument: its text ("\ufffc" stands for a reference) and the units it is made of."""

    text: str
    start: int
    end: int
    references: tuple[str, ...] = ()

    @property
    def is_reference(self) -> bool:
        """Nothing but references: it may stand for any number of arguments."""
        return bool(self.references) and not self.text.strip("\ufffc")


class BrokenQuotesError(ValueError):
    """Quotes that never close: the web UI itself stops at such a line."""


class EntangledError(ValueError):
    """A flag that would have to change is tied to a variable whose text is not in this line."""

    def __init__(self, flag: str) -> None:
        super().__init__(flag)
        self.flag = flag


def letters(text: str) -> list[Unit]:
    return [Unit(letter) for letter in text]


def split(units: Sequence[Unit]) -> list[Token]:
    """Arguments as `shlex.split` finds them (POSIX rules, no comments), with their places.

    Raises:
        BrokenQuotesError: where shlex.split raises ValueError.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(units):
        if _blank(units[at]) or _silent(units[at]):
            at += 1
            continue
        token = _token(units, at)
        tokens.append(token)
        at = token.end
    return tokens


def _blank(unit: Unit) -> bool:
    return unit.role != "reference" and unit.text != "" and unit.text in " \t\r\n"


def _silent(unit: Unit) -> bool:
    """Stands in the file and gives the program nothing: a line end that the shell takes away."""
    return unit.role != "reference" and unit.text == ""


def _token(units: Sequence[Unit], start: int) -> Token:
    at, quote = start, ""
    text: list[str] = []
    references: list[str] = []
    while at < len(units):
        unit = units[at]
        at += 1
        if unit.role == "reference":
            references.append(unit.text)
            text.append("\ufffc")
        elif quote:
            if unit.text == quote:
                quote = ""
            elif unit.text == "\\" and quote == '"' and at < len(units) and units[at].text in ('"', "\\"):
                text.append(units[at].text)
                at += 1
            else:
                text.append(unit.text)
        elif _blank(unit):
            at -= 1
            break
        elif unit.text in ("'", '"'):
            quote = unit.text
        elif unit.text == "\\":
            if at == len(units):
                raise BrokenQuotesError
            text.append("\ufffc" if units[at].role == "reference" else units[at].text)
            at += 1
        else:
            text.append(unit.text)
    if quote:
        raise BrokenQuotesError
    return Token("".join(text), start, at, tuple(references))


@dataclass(frozen=True)
class _Placed:
    """A flag at its place in a line: units `start` to `end`."""

    flag: Flag
    start: int
    end: int
    entangled: bool


def _placed(units: Sequence[Unit], own_name: str) -> list[_Placed]:
    found: list[_Placed] = []
    open_flag = False
    for token in split(units):
        if token.references == (own_name,) and token.is_reference:
            open_flag = False  # what the variable held before: arguments of their own
        elif is_flag(token.text):
            name, equals, value = token.text.partition("=")
            flag = Flag(name=name, values=(value,) if equals else ())
            found.append(_Placed(flag, token.start, token.end, bool(token.references)))
            open_flag = True
        elif open_flag:
            last = found.pop()
            flag = Flag(name=last.flag.name, values=(*last.flag.values, token.text))
            found.append(_Placed(flag, last.start, token.end, last.entangled or bool(token.references)))
    return found


def names_in(units: Sequence[Unit], own_name: str) -> set[str]:
    return {placed.flag.name for placed in _placed(units, own_name)}


def opaque(units: Sequence[Unit], own_name: str) -> list[str]:
    """The references that may stand for any number of flags: arguments that are nothing but a reference."""
    return [
        name
        for token in split(units)
        if token.is_reference
        for name in token.references
        if name and name != own_name
    ]


def touched(settings: Settings) -> tuple[dict[str, Flag], set[str]]:
    """Our flags by name, and the names that must go."""
    wanted = parsed_flags(settings)
    gone = set(names_of(settings.drop_flags))
    for group in settings.exclusive:
        if any(name in wanted for name in group):
            gone.update(group)
    return wanted, gone - set(wanted)


def edit(chain: Sequence[Sequence[Unit]], settings: Settings, own_name: str) -> list[list[Unit]]:
    """The lines that make up one value, in order, with our flags in them.

    A flag of ours that is there already is changed where it stands (untouched when it says the same),
    a second copy and what must go are taken out, what is missing comes at the end of the last line.

    Raises:
        BrokenQuotesError, EntangledError
    """
    wanted, gone = touched(settings)
    missing = dict(wanted)
    edited: list[list[Unit]] = []
    for units in chain:
        line = list(units)
        changes: list[tuple[_Placed, str | None]] = []
        for placed in _placed(units, own_name):
            name = placed.flag.name
            ours = missing.pop(name, None)
            if ours is None and (name in wanted or name in gone):
                changes.append((placed, None))
            elif ours is not None and ours.values and ours.values != placed.flag.values:
                changes.append((placed, written(ours)))
            elif ours is not None and ours.values and placed.entangled:
                raise EntangledError(name)
        for placed, text in reversed(changes):
            if placed.entangled:
                raise EntangledError(placed.flag.name)
            _replace(line, placed, text)
        edited.append(line)
    for flag in missing.values():
        line = edited[-1]
        last = next((unit for unit in reversed(line) if not _silent(unit)), None)
        if last is not None and not _blank(last):
            line.append(Unit(" "))
        line.extend(letters(written(flag)))
    return edited


def written(flag: Flag) -> str:
    if len(flag.values) == 1 and is_flag(flag.values[0]):
        return f"{word(flag.name)}={word(flag.values[0])}"
    return " ".join([word(flag.name), *map(word, flag.values)])


def _replace(line: list[Unit], placed: _Placed, text: str | None) -> None:
    start, end = placed.start, placed.end
    if text is None:
        # One gap goes with the flag, so that the line does not grow wider each time.
        if start > 0 and _blank(line[start - 1]):
            start -= 1
        elif end < len(line) and _blank(line[end]):
            end += 1
    line[start:end] = letters(text) if text is not None else []
