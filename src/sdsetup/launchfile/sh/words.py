"""Words of a shell script, letter by letter.

What bash would have to compute ($(...), backquotes, `${x:-y}`, `$'...'`) is kept as an opaque piece.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdsetup.launchfile.arguments import Unit

ENDS_WORD = frozenset(" \t\n;&|<>()")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class UnreadableError(ValueError):
    """A quote or bracket that never closes. `line`: where it opens, 1-based."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True, kw_only=True)
class Word:
    start: int
    end: int
    units: tuple[Unit, ...]

    @property
    def text(self) -> str:
        """As bash gets it, references as "\ufffc"."""
        opaque = (unit.role == "reference" and unit.raw != "{" for unit in self.units)
        return "".join("\ufffc" if one else unit.text for one, unit in zip(opaque, self.units, strict=True))


class WordScanner:
    """Reads words from `text` at `at`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1

    def word(self) -> Word:
        start = self.at
        units: list[Unit] = []
        while self.at < len(self.text) and self.text[self.at] not in ENDS_WORD:
            letter = self.text[self.at]
            if letter == "'":
                self._single(units)
            elif letter == '"':
                self._double(units)
            elif letter == "\\":
                self._escaped(units)
            else:
                self._bare(units)
        return Word(start=start, end=self.at, units=tuple(units))

    def _single(self, units: list[Unit]) -> None:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise UnreadableError(self.line(self.at))
        units += [Unit(letter) for letter in self.text[self.at + 1 : end]]
        self.at = end + 1

    def _double(self, units: list[Unit]) -> None:
        opened, joint = self.at, ""
        self.at += 1
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == '"':
                if joint:
                    units.append(Unit("", joint, True))
                self.at += 1
                return
            if letter == "\\" and self.at + 1 < len(self.text) and self.text[self.at + 1] in '$`"\\\n':
                escaped = self.text[self.at + 1]
                self.at += 2
                if escaped == "\n":
                    joint += "\\\n"  # stays with the letter that follows
                    continue
                units.append(Unit(escaped, joint + "\\" + escaped, True))
            elif letter in "$`" and self._expansion(units, True):
                pass
            else:
                units.append(Unit(letter, joint + letter, True))
                self.at += 1
            joint = ""
        raise UnreadableError(self.line(opened))

    def _escaped(self, units: list[Unit]) -> None:
        if self.text.startswith("\\\n", self.at):
            self.at += 2
            return
        letter = self.text[self.at + 1 : self.at + 2]
        units.append(Unit(letter or "\\", "\\" + letter))
        self.at += 2

    def _bare(self, units: list[Unit]) -> None:
        letter = self.text[self.at]
        if letter in "$`" and self._expansion(units, False):
            return
        # ~ becomes the home folder and {a,b} two words.
        role = "reference" if letter in "~{" else "letter"
        units.append(Unit("HOME" if letter == "~" else letter, letter, False, role))  # type: ignore[arg-type]
        self.at += 1

    def _expansion(self, units: list[Unit], quoted: bool) -> bool:
        start, rest = self.at, self.text[self.at + 1 : self.at + 2]
        named = _NAME.match(self.text, start + 1)
        if self.text[start] == "`":
            end = self.text.find("`", start + 1)
            if end < 0:
                raise UnreadableError(self.line(start))
            self.at = end + 1
        elif rest == "{":
            self.at = self.closing(start + 1, "{", "}")
        elif rest == "(":
            self.at = self.closing(start + 1, "(", ")")
        elif named:
            self.at = named.end()
        elif rest and rest in "'\"" and not quoted:
            self.at = self._dollar_quoted(start + 1)
        elif rest and rest in "0123456789@*#?$!-":
            self.at = start + 2
        else:
            return False  # a lone dollar sign
        raw = self.text[start : self.at]
        simple = re.fullmatch(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)(?:(?<=\w):?-)?\}?", raw)
        units.append(Unit(simple[1] if simple else raw, raw, quoted, "reference"))
        return True

    def _dollar_quoted(self, at: int) -> int:
        quote, end = self.text[at], at + 1
        while end < len(self.text):
            if self.text[end] == "\\":
                end += 1
            elif self.text[end] == quote:
                return end + 1
            end += 1
        raise UnreadableError(self.line(at))

    def closing(self, at: int, opener: str, closer: str) -> int:
        """The place after the bracket that closes the one at `at`, quotes inside respected."""
        opened, depth = at, 0
        while at < len(self.text):
            letter = self.text[at]
            if letter == "\\":
                at += 1
            elif letter in "'\"" and not (letter == "'" and opener == "{"):
                at = self._dollar_quoted(at) - 1 if letter == '"' else self.text.find("'", at + 1)
                if at < 0:
                    break
            elif letter == opener:
                depth += 1
            elif letter == closer:
                depth -= 1
                if depth == 0:
                    return at + 1
            at += 1
        raise UnreadableError(self.line(opened))
