"""A .bat read as cmd reads it, as far as that can be told without running it.

Physical lines become statements: a `^` at the end joins lines, `&` divides them, parentheses make blocks.
Lines are decoded only to be understood; nobody's bytes change here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sdsetup.launchfile.arguments import Unit
from sdsetup.launchfile.bat.letters import REFERENCE, lex

StatementKind = Literal[
    "blank", "comment", "echo-off", "label", "set", "start", "jump", "undo", "folder", "calm", "other"
]

_SET = re.compile(r"[\s@]*set[ \t]+", re.IGNORECASE)
_NAME = re.compile(r"[^=\"%\ufffc\n]+")
_STARTS = re.compile(r"(?<![\w.-])(webui(\.bat)?|launch\.py|webui\.py)(?![\w.-])", re.IGNORECASE)
_JUMP = re.compile(r"\b(goto|exit)\b|\bcall\s+:", re.IGNORECASE)
_FIRST_WORD = re.compile(r"[\s@]*([^\s@=;,./\\\"<>|&:()]*)")
_EXISTS = re.compile(r"\bexist\s+(\"[^\"]*\"|\S+)", re.IGNORECASE)
# What a reference in the options stands for cannot be told, so it counts as this one.
_DELAYS = re.compile(r"\bsetlocal\b[^&|]*(enabledelayedexpansion|\ufffc)", re.IGNORECASE)
_PAGE = re.compile(r"[\s@]*chcp(?:\.com)?\s+(\d+)", re.IGNORECASE)
# The second byte of a double-byte letter may look like one of these.
_AMBIGUOUS = re.compile(rb"[\x80-\xff][\\^|]")
# Commands that change neither variables nor the flow.
_CALM = frozenset(
    ("chcp", "cls", "color", "copy", "del", "echo", "git", "md", "mkdir", "nvidia-smi", "pause", "prompt")
) | {"setlocal", "taskkill", "timeout", "title", "type", "ver", "where"}
_BLOCK_WORDS = frozenset({"if", "for", "else"})


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One command, or one line that is a condition or part of a block. `first` to `last` are indexes of the
    physical lines it stands on, both included; `part` counts the commands of one line."""

    kind: StatementKind
    first: int
    last: int
    part: int
    depth: int  # blocks open where it begins
    conditional: bool  # may be left out although the file comes by
    certain: bool = False  # runs on every way to the start
    reached: bool = True  # may run before the start
    text: str  # as cmd parses it, references as REFERENCE, without the line end
    raw: str  # as the file has it, with the operator before it and the line end
    lead: str = ""  # the operator before it, as the file has it
    encoding: str | None  # None: letters outside ASCII cannot be told
    unsure: bool = False  # double-byte letters in a code page that is not known
    delayed: bool = False  # delayed expansion may be on: `!` is then no plain letter
    units: tuple[Unit, ...] = ()
    # For kind "set":
    name: str = ""  # as written
    value: tuple[Unit, ...] = ()
    command: str = ""  # the `set` and what stands before it, as cmd reads them, up to the name or its quote
    quoted: bool = False  # whether the value begins inside quotes
    head: str = ""  # raw text up to the value
    tail: str = ""  # raw text after the value, line end included
    # For kind "start":
    arguments: tuple[Unit, ...] = ()  # what stands behind the web UI's name


def physical_lines(content: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", content) if line]


def codec(page: str) -> str | None:
    """Python's name for a Windows code page number."""
    name = "utf-8" if page == "65001" else f"cp{page}"
    try:
        codecs.lookup(name)
    except LookupError:
        return None
    return name


def commands(content: bytes, encoding: str | None) -> list[Statement]:
    """All statements of the file in order, each for itself. `encoding`: of the console's code page, None when
    unknown."""
    lines = physical_lines(content)
    found: list[Statement] = []
    at, depth, straight = 0, 0, True
    while at < len(lines):
        parts = _logical_line(lines, at, depth, encoding)
        for one in parts:
            straight = straight and one.kind not in ("jump", "label")
            page = _PAGE.match(one.text) if straight and one.kind == "calm" and not one.conditional else None
            if page:
                encoding = codec(page[1])
            depth = depth_after(one, depth)
        found += parts
        at = parts[-1].last + 1
    return _with_delays(found)


def delays(one: Statement) -> bool:
    """Does it switch delayed expansion on?"""
    return one.kind not in ("comment", "blank", "label") and _DELAYS.search(one.text) is not None


def _with_delays(found: list[Statement]) -> list[Statement]:
    """Mark what may run under delayed expansion: all from its `setlocal` on, and the whole file where it jumps."""
    switch = next((place for place, one in enumerate(found) if delays(one)), None)
    if switch is None:
        return found
    since = 0 if any(one.kind == "label" for one in found) else switch
    return [replace(one, delayed=place >= since) for place, one in enumerate(found)]


def _logical_line(lines: Sequence[bytes], at: int, depth: int, encoding: str | None) -> list[Statement]:
    """The statements of one line: several where `&`, `&&` or `||` stands between them."""
    last = at
    raw = _decoded(lines[at], encoding)
    units, length = lex(raw)
    note = _note("".join(unit.text for unit in units))
    while length == len(raw) and _continues(raw) and not note and last + 1 < len(lines):
        last += 1
        raw += _decoded(lines[last], encoding)
        units, length = lex(raw)
    pieces = [(0, 0)] if note or depth else _pieces(units)
    unsure = encoding is None and any(_AMBIGUOUS.search(line) for line in lines[at : last + 1])
    found = []
    for part, (lead, start) in enumerate(pieces):
        end = pieces[part + 1][0] if part + 1 < len(pieces) else len(units)
        mine = tuple(units[start:end])
        operator = "".join(unit.text for unit in units[lead:start])
        text = "".join(REFERENCE if unit.role == "reference" else unit.text for unit in mine)
        base = Statement(
            kind=note or "other",
            first=at,
            last=last,
            part=part,
            depth=depth,
            conditional=depth > 0 or operator in ("&&", "||") or _first_word(text) in _BLOCK_WORDS,
            text=text,
            raw=_raw(units[lead:end]) + (raw[length:] if end == len(units) else ""),
            encoding=encoding,
            unsure=unsure,
            units=mine,
            lead=_raw(units[lead:start]),
        )
        found.append(base if note else _classified(base))
    return found


def _pieces(units: Sequence[Unit]) -> list[tuple[int, int]]:
    """Where each command of a line begins: its operator, and the first letter behind that.

    A condition or a block takes in all that follows it; the two sides of a pipe stay together.
    """
    pieces = [(0, 0)]
    at = 0
    while at < len(units):
        text = "".join(REFERENCE if unit.role == "reference" else unit.text for unit in units[pieces[-1][1] :])
        if _first_word(text) in _BLOCK_WORDS or text.lstrip(" \t@").startswith(("(", ")")):
            break
        at = next((place for place in range(at, len(units)) if _separates(units, place)), len(units))
        if at == len(units):
            break
        double = at + 1 < len(units) and units[at + 1].role == "operator" and units[at + 1].text == units[at].text
        if units[at].text == "|" and not double:
            return [(0, 0)]
        pieces.append((at, at + 1 + double))
        at += 1 + double
    return pieces


def _separates(units: Sequence[Unit], at: int) -> bool:
    """An operator between two commands, and not the `&` of a redirection (`2>&1`)."""
    if units[at].role != "operator" or units[at].text not in ("&", "|") or (units[at].raw or "").startswith("^"):
        return False
    return at == 0 or units[at - 1].role != "operator" or units[at - 1].text not in "<>"


def _raw(units: Sequence[Unit]) -> str:
    return "".join(unit.raw or "" for unit in units)


def _first_word(text: str) -> str:
    first = _FIRST_WORD.match(text)
    return first[1].lower() if first else ""


def _decoded(line: bytes, encoding: str | None) -> str:
    line = line.removeprefix(codecs.BOM_UTF8)
    return line.decode(encoding, "surrogateescape") if encoding else line.decode("latin-1")


def _continues(raw: str) -> bool:
    return raw.rstrip("\r\n").endswith("^") and raw.endswith("\n")


def _note(text: str) -> Literal["blank", "comment", "label"] | None:
    """Lines that cmd does not run. `::` is a label that nobody jumps to."""
    stripped = text.lstrip(" \t@;,=")
    if not stripped.strip():
        return "blank"
    if stripped.startswith(":"):
        return "comment" if stripped.startswith("::") else "label"
    return "comment" if re.match(r"rem(?![\w.\\-])", stripped, re.IGNORECASE) else None


def _classified(base: Statement) -> Statement:
    text = base.text
    operators = {unit.text for unit in base.units if unit.role == "operator"}
    alone = not operators & {"&", "|"}
    setting = None if operators else _as_set(base)
    if setting:
        return setting
    command = _first_word(text)
    kind: StatementKind = "other"
    if re.fullmatch(r"[\s@]*echo\s+off\s*", text, re.IGNORECASE):
        kind = "echo-off"
    elif alone and command in ("cd", "chdir", "pushd"):
        kind = "folder"
    elif alone and (command in _CALM or text.strip() in ("(", ")")):
        kind = "calm"
    elif command == "endlocal":
        kind = "undo"
    elif (end := _start_in(text)) is not None:
        return replace(base, kind="start", arguments=_arguments(base.units[end:]))
    elif _JUMP.search(text):
        kind = "jump"
    return replace(base, kind=kind)


def _start_in(text: str) -> int | None:
    """The place behind the web UI's name where a command runs it. In quotes `webui` alone is a window's title."""
    asked = _EXISTS.sub(lambda found: " " * len(found[0]), text)
    for found in _STARTS.finditer(asked):
        if "." in found[0] or asked.count('"', 0, found.start()) % 2 == 0:
            return found.end()
    return None


def _arguments(behind: Sequence[Unit]) -> tuple[Unit, ...]:
    """What stands behind the name of the program, up to the end of its command."""
    if behind and behind[0].text == '"':
        behind = behind[1:]
    end = next((at for at, unit in enumerate(behind) if unit.role in ("operator", "paren")), len(behind))
    return tuple(behind[:end])


def _as_set(base: Statement) -> Statement | None:
    """`set NAME=value` or `set "NAME=value"`, None for anything else (`set /p`, `set` alone)."""
    units, text = base.units, base.text
    start = _SET.match(text)
    if not start or text.startswith("/", start.end()):
        return None
    at, end = start.end(), len(units)
    if text.startswith('"', at):
        at += 1
        closing = text.rfind('"')
        # Without a second quote the value runs to the end of the line.
        end = closing if closing >= at else end
    name = _NAME.match(text, at, end)
    if not name or not text.startswith("=", name.end()) or name.end() >= end:
        return None
    body = name.end() + 1
    head = base.lead + _raw(units[:body])
    value = _raw(units[body:end])
    quotes = [unit for unit in units[:body] if unit.text == '"' and not (unit.raw or "").startswith("^")]
    return replace(
        base,
        kind="set",
        name=name[0],
        value=units[body:end],
        command=base.lead + start[0],
        quoted=len(quotes) % 2 == 1,
        head=head,
        tail=base.raw[len(head + value) :],
    )


def depth_after(one: Statement, depth: int) -> int:
    if one.kind in ("comment", "label", "blank"):
        return depth
    stripped = one.text.lstrip(" \t@")
    opens = stripped.startswith(("(", ")")) or _first_word(one.text) in _BLOCK_WORDS
    opens = opens or re.search(r"[&|]\s*\($", one.text.rstrip()) is not None
    for unit in one.units:
        if unit.role == "paren":
            if unit.text == ")":
                depth = max(0, depth - 1)
            elif opens:
                depth += 1
    return depth
