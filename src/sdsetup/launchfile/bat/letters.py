"""Letters of a .bat as cmd's parser gets them: references first, then carets, quotes and operators."""

from __future__ import annotations

import re
from typing import Literal

from sdsetup.launchfile.arguments import Unit

REFERENCE = "\ufffc"

_ARGUMENT = re.compile(r"%(?:\*|\d|~[fdpnxsatz]*(?:\$[^%:\n]+:)?\d)", re.IGNORECASE)
_VARIABLE = re.compile(r"%([^%\n]+)%")


def lex(raw: str) -> tuple[list[Unit], int]:
    """The letters of one logical line, and where it ends in `raw` (before the line end).

    cmd replaces %...% first and looks at ^, quotes and operators afterwards; a `^` before a line end
    joins the lines and makes the next letter an ordinary one. Where the last line of `raw` ends in
    such a `^`, the second value is `len(raw)`: more text is needed.
    """
    units: list[Unit] = []
    at, quoted = 0, False
    while at < len(raw):
        if raw[at] == "\n" or raw.startswith("\r\n", at):
            return units, at
        start = at
        escaped = raw[at] == "^" and not quoted
        joined = False
        if escaped:
            at += 1
            for end in ("\r\n", "\n"):
                if raw.startswith(end, at):
                    at += len(end)
                    joined = True
                    break
            if at >= len(raw):
                return units, len(raw)
        text, length, is_reference = _percent(raw, at)
        at += length
        if is_reference:
            units.append(Unit(text, raw[start:at], quoted, "reference"))
        else:
            role = "letter" if escaped or quoted else _role(text)
            if joined and text in '&|<>()^"\r\n':
                role = "operator"  # what a sign means at the start of a continued line is not relied on
            units.append(Unit(text, raw[start:at], quoted, role))
            if text == '"' and not escaped:
                quoted = not quoted
    return units, at


def _role(letter: str) -> Literal["letter", "operator", "paren"]:
    return "operator" if letter in "&|<>" else "paren" if letter in "()" else "letter"


def _percent(raw: str, at: int) -> tuple[str, int, bool]:
    """What stands at `at` after cmd's first phase: its text, how much of `raw` it takes, is it a reference."""
    if raw[at] != "%":
        return raw[at], 1, False
    if raw.startswith("%%", at):
        return "%", 2, False
    argument = _ARGUMENT.match(raw, at)
    if argument:
        return argument[0], len(argument[0]), True
    variable = _VARIABLE.match(raw, at)
    if variable:
        return variable[1], len(variable[0]), True
    # A lone percent sign vanishes, like a reference to nothing; with a colon behind it, all up to there does.
    rest = raw[at : raw.find("\n", at) if "\n" in raw[at:] else len(raw)]
    return ":" if ":" in rest else "", 1, True
