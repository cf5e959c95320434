"""A log as lines that can be searched quickly: 5 MB and three hundred patterns in a fraction of a second."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from os.path import commonprefix

_SHORT = 5  # letters: a needle that is shorter is in nearly every line
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\n]*\x07")
_LONGEST_LINE = 4_000  # letters; what is longer is no message
_MARKERS = ("«win:", "«crash:", "«while:", "«vanished:")  # a lone « stands in garbled text too
_PROGRESS = re.compile(r"^\s*(?:\S[^|\n]{0,80}:\s*)?\d{1,3}%\|")
# The web UI sets "*** " before its reports and indents the rest; containers and Rich's frames do the like.
_MARGIN = re.compile(r"^(?:[\w.-]{1,60} +\| ?)?[\s│|]*(?:\*\*\*(?!\*) ?\s*)?")
# What other programs put before every line: a container's name, journald's and other clocks, a quotation.
_FRAMES = tuple(
    re.compile(text)
    for text in (
        r"^[\w.-]{1,60} +\|(?: |$)",
        r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:]+: ?",
        r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?(?: (?!\|)|$)",
        r"^>(?: |$)",
    )
)
_LOOKED_AT = 400  # lines from which it is told whether all have such a frame


class Log:
    """The lines of a log: `lines` as users see them, `told` the same with what was understood added at the end.

    A marker such as «win:5» or «crash:killed» stands for what differs in words and means the same.
    """

    def __init__(self, log: str | Iterable[str]) -> None:
        self.lines: list[str] = _lines(log)
        self.told: list[str] = list(self.lines)
        self._marked: set[int] = set()
        # Logs repeat themselves: each different line is searched once, in the order of first appearance.
        places: dict[str, list[int]] = {}
        for at, line in enumerate(self.lines):
            places.setdefault(line, []).append(at)
        self._places = list(places.values())
        self._text = "\n".join(places)
        self._starts = list(accumulate((len(line) + 1 for line in places), initial=0))
        self._words = set(self._text.split())
        self._joined = "\n".join(self._words)
        self._foreign = "\n".join(word for word in self._words if not word.isascii())

    def add(self, markers: Sequence[tuple[int, str]]) -> None:
        """Write markers behind lines, by their index."""
        for line, marker in markers:
            self.told[line] += f" {marker}"
            self._marked.add(line)

    def with_text(self, needle: str) -> Iterator[int]:
        """Indices of the lines that contain a plain text, equal lines together."""
        if any(marker in needle for marker in _MARKERS):
            yield from (line for line in sorted(self._marked) if needle in self.told[line])
            return
        # Most needles are in no log: the list of different words is short, and tells that at once.
        words = needle.split()
        listed = self._joined if needle.isascii() else self._foreign
        if not all(word in self._words for word in words[1:-1]):
            return
        if needle.isascii() and not all(word in listed for word in words[:1] + words[-1:]):
            return
        if not needle.isascii() and not all(word in listed for word in words if not word.isascii()):
            return
        at = self._text.find(needle)
        while at >= 0:
            one = bisect_right(self._starts, at) - 1
            yield from self._places[one]
            at = self._text.find(needle, self._starts[one + 1]) if one + 1 < len(self._places) else -1

    def matches(self, pattern: re.Pattern[str]) -> list[tuple[int, re.Match[str]]]:
        """Every line that a pattern matches, in order, with its match in the line without its margin."""
        found: dict[int, re.Match[str]] = {}
        for part in alternatives(pattern):
            needle = needle_of(part.pattern)
            for line in self.with_text(needle) if needle else range(len(self.told)):
                if line not in found and (match := part.search(bare(self.told[line]))):
                    found[line] = match
        return sorted(found.items())

    def first(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The earliest line's match, without looking at the lines after it."""
        found = [one for part in alternatives(pattern) if (one := self._first(part)) is not None]
        return min(found, key=lambda one: one[0])[1] if found else None

    def _first(self, part: re.Pattern[str]) -> tuple[int, re.Match[str]] | None:
        needle = needle_of(part.pattern)
        for line in self.with_text(needle) if needle else range(len(self.told)):
            if match := part.search(bare(self.told[line])):
                return line, match
        return None


def bare(line: str) -> str:
    """A line without its margin, so that patterns may begin with `^` wherever it was printed."""
    margin = _MARGIN.match(line)
    return line[margin.end() :] if margin else line


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _lines(log: str | Iterable[str]) -> list[str]:
    text = log if isinstance(log, str) else "\n".join(log)
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\0", "")
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    lines = text.split("\n")
    if "\r" in text:
        lines = [_after_returns(line) if "\r" in line else line for line in lines]
    return [line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] for line in _unframed(lines)]


def _unframed(lines: list[str]) -> list[str]:
    """Without what stands before nearly every line, so that indentation and first words are the web UI's own."""
    first = [line for line in lines[:_LOOKED_AT] if line.strip()]
    for frame in _FRAMES:
        if len(first) > 1 and sum(frame.match(line) is not None for line in first) >= 0.8 * len(first):
            return [frame.sub("", line, count=1) for line in lines]
    indentation = commonprefix([line[: indent(line)] for line in first])  # noqa: RUF071 - letters are meant
    return [line.removeprefix(indentation) for line in lines] if indentation else lines


def _after_returns(line: str) -> str:
    """A line that was drawn over: its last progress bar, and whatever else was said in between."""
    parts = [part for part in line.split("\r") if part.strip()]
    return " ".join([part for part in parts[:-1] if not _PROGRESS.match(part)] + parts[-1:])


@lru_cache(maxsize=4096)
def needle_of(pattern: str) -> str:
    """The longest plain text that every match of a regular expression must contain; "" where none is sure."""
    runs: list[str] = [""]
    depth, at = 0, 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            plain = at + 1 < len(pattern) and not pattern[at + 1].isalnum()
            token, step = (pattern[at + 1], 2) if plain else ("", 2)
        elif letter == "[":
            token, step = "", _class_end(pattern, at) - at
        elif letter in "().^$|?*+{}":
            if letter == "|" and depth == 0:
                return ""
            if letter in "?*{" and depth == 0 and runs[-1]:
                runs[-1] = runs[-1][:-1]  # what it applies to may be absent
            depth += {"(": 1, ")": -1}.get(letter, 0)
            step = pattern.index("}", at) - at + 1 if letter == "{" else 1
            token = ""
        else:
            token, step = letter, 1
        if depth == 0 and token:
            runs[-1] += token
        elif runs[-1]:
            runs.append("")
        at += step
    return "" if "(?" in pattern and re.search(r"\(\?[a-zA-Z]+\)", pattern) else max(runs, key=len)


@lru_cache(maxsize=4096)
def alternatives(pattern: re.Pattern[str]) -> tuple[re.Pattern[str], ...]:
    """A pattern's alternatives at its top level, each a pattern with a needle of its own."""
    parts, depth, at = [""], 0, 0
    text = pattern.pattern
    while at < len(text):
        step = 2 if text[at] == "\\" else _class_end(text, at) - at if text[at] == "[" else 1
        piece = text[at : at + step]
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
        at += step
    parts = [whole for part in parts for whole in _spelled_out(part)]
    return (pattern,) if len(parts) == 1 else tuple(re.compile(part, pattern.flags) for part in parts)


def _spelled_out(part: str) -> list[str]:
    """A part whose plain text is too short to look for, once for each way its first group can go."""
    opening = re.search(r"(?<!\\)\(\?:", part)
    if len(needle_of(part)) >= _SHORT or opening is None:
        return [part]
    ways, depth, at = [""], 0, opening.end()
    while depth >= 0:
        step = 2 if part[at] == "\\" else _class_end(part, at) - at if part[at] == "[" else 1
        piece = part[at : at + step]
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "|" and depth == 0:
            ways.append("")
        elif depth >= 0:
            ways[-1] += piece
        at += step
    if part[at : at + 1] in ("?", "*", "+", "{"):
        return [part]
    return [part[: opening.start()] + f"(?:{way})" * (way == "") + way + part[at:] for way in ways]


def _class_end(pattern: str, at: int) -> int:
    end = at + 1
    if pattern[end : end + 1] == "^":
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1
