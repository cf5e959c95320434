"""webui-user.bat read as webui.bat will see it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sdsetup.launchfile.arguments import Unit
from sdsetup.launchfile.bat.merging import SILENT, refuse_unreadable
from sdsetup.launchfile.bat.statements import Statement
from sdsetup.launchfile.bat.ways import statements
from sdsetup.text import Text
from sdsetup.values.flags import ARGS, LaunchFile, Unclear

_NOT_SET = re.compile(
    r"[\s@]*(?:export\s+|\$env:)?([A-Za-z_]\w*)\s*=|[\s@]*set\s+([A-Za-z_]\w*)\s+-", re.IGNORECASE
)
# A Python environment's own activate.bat sets no flags.
_RUNS = re.compile(r"\bcall\s+(?:\"([^\"]+\.(?:bat|cmd))\"|([^\s&|()<>\"]+\.(?:bat|cmd))\b)", re.IGNORECASE)
_HARMLESS = re.compile(r"(de)?activate\.(bat|cmd)$", re.IGNORECASE)
_START = "the start"  # no variable can have this name


def read(
    content: bytes, encoding: str | None, environment: Mapping[str, str] | None, folder: str | None
) -> LaunchFile:
    refuse_unreadable(content)
    seen = _Seen(environment, folder)
    found = statements(content, encoding)
    for one in found:
        if one.reached:
            seen.take(one)
    return replace(seen.result(), second_starts=_second_starts(found))


def _second_starts(found: Sequence[Statement]) -> tuple[int, ...]:
    """Lines that set the flags behind the first start, for another one."""
    last = max((place for place, one in enumerate(found) if one.kind == "start" and not one.reached), default=0)
    return tuple(
        one.first + 1 for one in found[:last] if one.kind == "set" and not one.reached and one.name.upper() == ARGS
    )


class _Seen:
    """The variables as they stand after each statement."""

    def __init__(self, environment: Mapping[str, str] | None, folder: str | None) -> None:
        self.outside = (
            None if environment is None else {name.upper(): value for name, value in environment.items()}
        )
        self.folder = folder
        self.env: dict[str, tuple[str, str]] = {}  # upper-case name -> (name, value)
        self.unset: dict[str, str] = {}
        self.unclear: dict[str, Unclear] = {}
        self.lines: dict[str, int] = {}  # where each was set last
        self.start_flags: tuple[str, ...] | None = None
        self.without_effect: list[Unclear] = []
        self.runs: list[tuple[int, str]] = []

    def take(self, one: Statement) -> None:
        if one.kind == "other":
            names = [quoted or bare for quoted, bare in _RUNS.findall(one.raw)]
            self.runs += [(one.first + 1, name) for name in names if not _HARMLESS.search(name)]
        if one.kind == "start":
            self._start(one)
        if one.kind == "undo":
            for key, (name, _) in list(self.env.items()):
                self._lost(key, name, one, Text("endlocal discards what was set before"))
        if one.kind == "set":
            self._assign(one)
        elif one.kind == "other" and (named := _NOT_SET.match(one.text)):
            name = named[1] or named[2]
            why = Text("Windows doesn't set a variable this way; write set {name}=", name=name)
            self.without_effect.append(Unclear(line=one.first + 1, name=name, why=why))
        elif one.kind not in SILENT:
            for name in re.findall(r"\bset\b(?:\s+/[ap])?\s*\"?\s*([A-Za-z_]\w*)\s*=?", one.text, re.IGNORECASE):
                self._lost(name.upper(), name, one, Text("set under a condition, or from typed or computed input"))

    def _start(self, one: Statement) -> None:
        if self.start_flags is not None:
            return
        self.start_flags = ()
        # What COMMANDLINE_ARGS holds reaches the web UI anyway.
        units = [unit for unit in one.arguments if unit.role != "reference" or unit.text.upper() != ARGS]
        said = self._expanded(one, units)
        if isinstance(said, Text):
            self.unclear[_START] = Unclear(line=one.first + 1, name=None, why=said)
        else:
            self.start_flags = _windows_arguments(said)

    def _assign(self, one: Statement) -> None:
        key = one.name.upper()
        if one.certain and one.name != one.name.strip():
            self._pointless(one)
        if not one.certain:
            self._lost(key, one.name, one, Text("set only under a condition"))
            return
        value = self._expanded(one, one.value)
        if isinstance(value, Text):
            self._lost(key, one.name, one, value)
            return
        self.unclear.pop(key, None)
        self.env.pop(key, None)
        self.unset.pop(key, None)
        self.lines[key] = one.first + 1
        if value:
            self.env[key] = (one.name, value)
        else:
            self.unset[key] = one.name

    def _lost(self, key: str, name: str, one: Statement, why: Text) -> None:
        self.env.pop(key, None)
        self.unset.pop(key, None)
        self.unclear[key] = Unclear(line=one.first + 1, name=name, why=why)

    def _pointless(self, one: Statement) -> None:
        """cmd makes the blank before the = part of the name, and nobody asks for that name."""
        why = Text("the space before = becomes part of the name; write set {name}=", name=one.name.strip())
        self.without_effect.append(Unclear(line=one.first + 1, name=one.name.strip(), why=why))

    def _expanded(self, one: Statement, units: Sequence[Unit]) -> str | Text:
        if one.encoding is None and not one.raw.isascii():
            return Text("it contains non-ASCII characters, and the console's code page is unknown")
        if one.delayed and "!" in one.text:
            return Text("the ! character has a special meaning there (delayed expansion)")
        out: list[str] = []
        for unit in units:
            text = self._reference(unit.text) if unit.role == "reference" else unit.text
            if text is None:
                return Text("the value of {name} comes from outside the file", name=unit.raw)
            if unit.role == "reference" and (
                text.count('"') % 2 or (not unit.quoted and set(text) & set("&|<>^"))
            ):
                return Text("{name} contains characters that the command prompt treats as commands", name=unit.raw)
            out.append(text)
        return "".join(out)

    def _reference(self, name: str) -> str | None:
        key = name.upper()
        if name == "%~dp0":
            return None if self.folder is None else self.folder.rstrip("\\/") + "\\"
        if not name or name.startswith("%"):
            return ""  # a lone percent sign; an argument, of which a double click gives none
        if key in self.unclear or ":" in name:
            return None
        if key in self.env:
            return self.env[key][1]
        if key in self.unset:
            return ""
        return None if self.outside is None else self.outside.get(key, "")

    def result(self) -> LaunchFile:
        env = dict(self.env.values())
        unclear = dict(self.unclear)
        flags: tuple[str, ...] = ()
        try:
            flags = tuple(shlex.split(self.env.get(ARGS, ("", ""))[1]))
            if any(flag.startswith("#") for flag in flags):
                why = Text("# starts no comment inside {name}, and the web UI stops at it", name=ARGS)
                self.without_effect.append(Unclear(line=self.lines[ARGS], name=ARGS, why=why))
        except ValueError:
            unclear[ARGS] = Unclear(
                line=0, name=ARGS, why=Text("a quotation mark in COMMANDLINE_ARGS is never closed")
            )
        if any(flag.startswith("-") and " " in flag.partition("=")[0] for flag in flags):
            why = Text("the quotation marks turn several flags into one; remove them")
            self.without_effect.append(Unclear(line=self.lines[ARGS], name=ARGS, why=why))
        return LaunchFile(
            kind="bat",
            flags=flags,
            start_flags=self.start_flags or (),
            env=env,
            unset=tuple(self.unset.values()),
            unclear=tuple(unclear.values()),
            without_effect=tuple(self.without_effect),
            runs=tuple(self.runs),
        )


def _windows_arguments(text: str) -> tuple[str, ...]:
    """The words of a command line as a program on Windows gets them: a backslash is a letter, quotes join."""
    return tuple(word.replace('"', "") for word in re.findall(r'(?:"[^"]*"?|[^\s"])+', text))
