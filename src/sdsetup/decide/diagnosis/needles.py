"""Plain text that a regular expression cannot do without: looked for first, because that is far faster."""

from __future__ import annotations

import re
from functools import lru_cache

_SHORT = 5  # letters: a needle that is shorter is in nearly every line


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
