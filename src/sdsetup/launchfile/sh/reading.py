"""webui-user.sh read as webui.sh will see it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from sdsetup.launchfile.sh.merging import decoded, leaves, mentions, pointless
from sdsetup.launchfile.sh.statements import Assignment, Command, assignments_of, exported_names, script
from sdsetup.launchfile.sh.words import UnreadableError
from sdsetup.text import Text
from sdsetup.values.flags import ARGS, LaunchFile, Unclear


def read(content: bytes, environment: Mapping[str, str] | None) -> LaunchFile:
    text = decoded(content)
    try:
        commands = script(text).commands
    except UnreadableError as error:
        why = Text("a quotation mark or bracket is never closed")
        return LaunchFile(kind="sh", flags=(), env={}, unclear=(Unclear(line=error.line, name=None, why=why),))
    seen = _Seen(environment, text)
    for command in commands:
        seen.take(command)
    return seen.result()


_DEFAULTED = re.compile(r"\$\{([A-Za-z_]\w*):?=")


class _Seen:
    """The variables as they stand after each command."""

    def __init__(self, environment: Mapping[str, str] | None, text: str) -> None:
        self.outside = environment
        self.text = text
        self.values: dict[str, str] = {}
        self.exported: set[str] = set()
        self.unset: set[str] = set()
        self.unclear: dict[str, Unclear] = {}
        self.sure = True
        self.lines: dict[str, int] = {}  # where each was set last
        self.without_effect: list[Unclear] = []
        self.runs: list[tuple[int, str]] = []

    def take(self, command: Command) -> None:
        assigned = assignments_of(command)
        first = command.words[0].text
        self.runs += [(command.line, what) for what in self._taken_in(command)]
        for name in _DEFAULTED.findall(self.text[command.start : command.end]):
            self._lost(name, command, Text("its value depends on something outside the file"))
        if leaves(command):
            self.sure = False
        if name := pointless(command):
            why = Text("bash doesn't set a variable this way; write export {name}=", name=name)
            self.without_effect.append(Unclear(line=command.line, name=name, why=why))
            return
        if assigned is None:
            self._other(command, first)
            return
        here: set[str] = set()
        for one in assigned[0]:
            value = self._expanded(one) if one.certain and self.sure else Text("set only under a condition")
            # `export` expands all of its words before it sets any.
            if here & {unit.text for unit in one.value if unit.role == "reference"}:
                value = Text("refers to a variable that the same line sets")
            here.add(one.name)
            if isinstance(value, Text):
                self._lost(one.name, command, value)
                continue
            self.unclear.pop(one.name, None)
            self.unset.discard(one.name)
            self.values[one.name] = value
            self.lines[one.name] = command.line
        if assigned[1] and command.certain and self.sure:
            self.exported |= exported_names(command)

    def _taken_in(self, command: Command) -> list[str]:
        """What a command reads settings from: `source file`, `export $(cat file)`."""
        first, *rest = command.words
        sourced = rest[:1] if first.text in ("source", ".") else []
        computed = [word for word in rest if word.text == "\ufffc"] if first.text == "export" else []
        said = [self.text[word.start : word.end] for word in (*sourced, *computed)]
        # A Python environment's own activate sets no flags.
        return [one.strip("\"'") for one in said if not re.search(r"/activate[\"']?$", one)]

    def _other(self, command: Command, first: str) -> None:
        if first == "unset" and command.certain and self.sure:
            for word in command.words[1:]:
                self.values.pop(word.text, None)
                self.exported.discard(word.text)
                self.unset.add(word.text)
            return
        known = {*self.values, ARGS}
        named = set(re.findall(r"(?<![$\w{])([A-Za-z_]\w*)\+?=", self.text[command.start : command.end]))
        for name in known | named:
            if mentions(command, self.text, name):
                self._lost(name, command, Text("its value depends on something outside the file"))

    def _lost(self, name: str, command: Command, why: Text) -> None:
        self.values.pop(name, None)
        self.unset.discard(name)
        self.unclear[name] = Unclear(line=command.line, name=name, why=why)

    def _expanded(self, one: Assignment) -> str | Text:
        out: list[str] = []
        if one.appends:
            before = self._reference(one.name)
            if before is None:
                return Text("the value of {name} comes from outside the file", name=one.name)
            out.append(before)
        for unit in one.value:
            text = self._reference(unit.text) if unit.role == "reference" else unit.text
            if text is None:
                return Text("the value of {name} comes from outside the file", name=unit.raw)
            out.append(text)
        return "".join(out)

    def _reference(self, name: str) -> str | None:
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in self.unclear:
            return None
        if name in self.values:
            return self.values[name]
        if name in self.unset:
            return ""
        return None if self.outside is None else self.outside.get(name, "")

    def result(self) -> LaunchFile:
        env = {name: value for name, value in self.values.items() if name in self.exported}
        unclear = dict(self.unclear)
        flags: tuple[str, ...] = ()
        try:
            flags = tuple(shlex.split(env.get(ARGS, "")))
            if any(flag.startswith("#") for flag in flags):
                why = Text("# starts no comment inside {name}, and the web UI stops at it", name=ARGS)
                self.without_effect.append(Unclear(line=self.lines[ARGS], name=ARGS, why=why))
        except ValueError:
            unclear[ARGS] = Unclear(
                line=0, name=ARGS, why=Text("a quotation mark in COMMANDLINE_ARGS is never closed")
            )
        return LaunchFile(
            kind="sh",
            flags=flags,
            env=env,
            variables={name: value for name, value in self.values.items() if name not in self.exported},
            unset=tuple(sorted(self.unset)),
            unclear=tuple(unclear.values()),
            without_effect=tuple(self.without_effect),
            runs=tuple(self.runs),
        )
