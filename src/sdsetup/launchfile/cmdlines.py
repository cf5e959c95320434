"""A .bat read as cmd reads it, as far as that can be told without running it.

Physical lines become statements: a `^` at the end joins lines, parentheses make blocks, labels and
jumps make what follows uncertain. Lines are decoded only to be understood; nobody's bytes change here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sdsetup.launchfile.words import Unit

StatementKind = Literal[
    "blank", "comment", "echo-off", "label", "set", "start", "jump", "undo", "folder", "calm", "other"
]

REFERENCE = "\ufffc"

_ARGUMENT = re.compile(r"%(?:\*|\d|~[fdpnxsatz]*(?:\$[^%:\n]+:)?\d)", re.IGNORECASE)
_VARIABLE = re.compile(r"%([^%\n]+)%")
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
    """One logical line. `first` to `last` are indexes of physical lines, both included."""

    kind: StatementKind
    first: int
    last: int
    depth: int  # blocks open where it begins
    certain: bool  # runs whenever the file runs
    text: str  # as cmd parses it, references as REFERENCE, without the line end
    raw: str  # as the file has it, with the line end
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


def statements(content: bytes, encoding: str | None) -> list[Statement]:
    """All statements of the file in order. `encoding`: of the console's code page, None when unknown."""
    lines = physical_lines(content)
    found: list[Statement] = []
    at, depth, certain = 0, 0, True
    while at < len(lines):
        one = _statement(lines, at, depth, certain, encoding)
        found.append(one)
        at = one.last + 1
        if one.kind in ("jump", "label"):
            certain = False
        elif one.kind == "undo":
            found = [replace(each, certain=False) for each in found]
        page = _PAGE.match(one.text) if one.kind == "calm" and one.certain else None
        if page:
            encoding = codec(page[1])
        depth = depth_after(one, depth)
    return _with_delays(found)


def delays(one: Statement) -> bool:
    """Does it switch delayed expansion on?"""
    return one.kind not in ("comment", "blank", "label") and _DELAYS.search(one.text) is not None


def _with_delays(found: list[Statement]) -> list[Statement]:
    """Mark what may run under delayed expansion: all from its `setlocal` on, and the whole file where it jumps."""
    switch = next((place for place, one in enumerate(found) if delays(one)), None)
    if switch is None:
        return found
    since = 0 if any(one.kind in ("jump", "label") for one in found) else switch
    return [replace(one, delayed=place >= since) for place, one in enumerate(found)]


def _statement(lines: Sequence[bytes], at: int, depth: int, certain: bool, encoding: str | None) -> Statement:
    last = at
    raw = _decoded(lines[at], encoding)
    units, length = lex(raw)
    note = _note("".join(unit.text for unit in units))
    while length == len(raw) and _continues(raw) and not note and last + 1 < len(lines):
        last += 1
        raw += _decoded(lines[last], encoding)
        units, length = lex(raw)
    base = Statement(
        kind=note or "other",
        first=at,
        last=last,
        depth=depth,
        certain=certain and depth == 0,
        text="".join(REFERENCE if unit.role == "reference" else unit.text for unit in units),
        raw=raw,
        encoding=encoding,
        unsure=encoding is None and any(_AMBIGUOUS.search(line) for line in lines[at : last + 1]),
        units=tuple(units),
    )
    return base if note else _classified(base)


def _decoded(line: bytes, encoding: str | None) -> str:
    line = line.removeprefix(codecs.BOM_UTF8)
    return line.decode(encoding, "surrogateescape") if encoding else line.decode("latin-1")


def _continues(raw: str) -> bool:
    return raw.rstrip("\r\n").endswith("^") and raw.endswith("\n")


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
    alone = not any(unit.role == "operator" and unit.text in "&|" for unit in base.units)
    redirected = any(unit.role == "operator" for unit in base.units)
    setting = None if redirected else _as_set(base)
    if setting:
        return setting
    first = _FIRST_WORD.match(text)
    command = first[1].lower() if first else ""
    kind: StatementKind = "other"
    if re.fullmatch(r"[\s@]*echo\s+off\s*", text, re.IGNORECASE):
        kind = "echo-off"
    elif alone and command in ("cd", "chdir", "pushd"):
        kind = "folder"
    elif alone and (command in _CALM or text.strip() in ("(", ")")):
        kind = "calm"
    elif command == "endlocal":
        kind = "undo"
    elif _STARTS.search(_EXISTS.sub("", text)):
        kind = "start"
    elif _JUMP.search(text):
        kind = "jump"
    return replace(base, kind=kind)


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
    head = "".join(unit.raw or "" for unit in units[:body])
    value = "".join(unit.raw or "" for unit in units[body:end])
    quotes = [unit for unit in units[:body] if unit.text == '"' and not (unit.raw or "").startswith("^")]
    return replace(
        base,
        kind="set",
        name=name[0],
        value=units[body:end],
        command=start[0],
        quoted=len(quotes) % 2 == 1,
        head=head,
        tail=base.raw[len(head + value) :],
    )


def depth_after(one: Statement, depth: int) -> int:
    if one.kind in ("comment", "label", "blank"):
        return depth
    first = _FIRST_WORD.match(one.text)
    stripped = one.text.lstrip(" \t@")
    opens = stripped.startswith(("(", ")")) or (first is not None and first[1].lower() in _BLOCK_WORDS)
    opens = opens or re.search(r"[&|]\s*\($", one.text.rstrip()) is not None
    for unit in one.units:
        if unit.role == "paren":
            if unit.text == ")":
                depth = max(0, depth - 1)
            elif opens:
                depth += 1
    return depth
