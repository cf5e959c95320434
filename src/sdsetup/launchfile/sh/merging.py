"""webui-user.sh: our exports put into the user's file."""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Sequence

from sdsetup.launchfile import refusals
from sdsetup.launchfile.arguments import BrokenQuotesError, EntangledError, Unit, edit, names_in, opaque, touched
from sdsetup.launchfile.sh.statements import (
    Assignment,
    Command,
    Script,
    assignments_of,
    exported_names,
    named_words,
    script,
)
from sdsetup.launchfile.sh.words import UnreadableError
from sdsetup.text import Text
from sdsetup.values.flags import ARGS, Settings

FRESH = (
    b"#!/usr/bin/env bash\n"
    b"# webui.sh reads this file before it starts the web UI.\n"
    b"# Add what you like: when sdsetup changes its own settings here, your lines and flags stay.\n"
    b"\n"
)
# Variables that hold one folder or name, and commands that print one: never flags.
_PLACES = frozenset({"HOME", "HOSTNAME", "PWD", "TMPDIR", "USER", "$(pwd)", "`pwd`", "$(whoami)", "$(hostname)"})
# Commands that only look at a variable.
_LOOKS = frozenset({"echo", "printf", "[", "[[", "test", ":"})
_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def leaves(command: Command) -> bool:
    """May what follows be left out although the web UI starts? `exit` ends webui.sh, too, which reads this file;
    `exec` with nothing but redirections only moves the output."""
    first = command.words[0].text
    programs = [word for word in command.words[1:] if not word.text.isdigit()]  # a number belongs to a redirection
    return not command.in_function and (first == "return" or (first == "exec" and bool(programs)))


def pointless(command: Command) -> str | None:
    """The variable that a line was meant to set, where it sets none: `NAME = value`, `set NAME=value`."""
    words = [word.text for word in command.words]
    if words[0] == "export":
        words = words[1:]
    if len(words) > 1 and _NAMED.fullmatch(words[0]) and words[1].startswith("="):
        return words[0]
    if len(words) > 2 and (words[0] == "setenv" or re.fullmatch(r"set -[gxU]*x[gxU]*", " ".join(words[:2]))):
        name = words[1 if words[0] == "setenv" else 2]  # as csh and fish write it
        return name if _NAMED.fullmatch(name) else None
    if not words:
        return None
    if words[0] == "set" and len(words) > 1 and "=" in words[1]:
        name = words[1].partition("=")[0]
        return name if _NAMED.fullmatch(name) else None
    return None


def merge(existing: bytes | None, settings: Settings) -> bytes:
    editor = _Editor(decoded(existing if existing is not None and existing.strip() else FRESH))
    editor.put_flags(settings)
    for name, value in settings.env:
        editor.put_variable(name, value)
    for name in settings.drop_env:
        if name not in dict(settings.env):
            editor.drop_variable(name)
    return editor.content().encode("utf-8", "surrogateescape")


def decoded(content: bytes) -> str:
    if b"\0" in content or b"\r" in content:
        raise refusals.encoding(
            "sh",
            Text("it has Windows line endings or is saved as UTF-16, so bash would misread the values"),
            Text("Convert the line endings: sed -i 's/\\r$//' webui-user.sh"),
        )
    first = content.removeprefix(codecs.BOM_UTF8).split(b"\n", 1)[0].strip()
    if content.startswith(codecs.BOM_UTF8) and first and not first.startswith(b"#"):
        raise refusals.encoding(
            "sh",
            Text("it begins with a byte order mark, which bash takes as part of the first command"),
            Text("Save it as UTF-8 without a byte order mark (BOM)."),
        )
    return content.decode("utf-8", "surrogateescape")


def _script(text: str) -> Script:
    try:
        return script(text)
    except UnreadableError as error:
        raise refusals.unclear("sh", error.line, Text("a quotation mark or bracket is never closed")) from None


def mentions(command: Command, text: str, name: str) -> bool:
    """May a command other than a plain assignment change this variable?"""
    first = command.words[0].text
    if pointless(command):
        return False
    if first in _LOOKS and not (first == "printf" and len(command.words) > 1 and command.words[1].text == "-v"):
        return False
    return re.search(rf"(?<![$\w{{]){re.escape(name)}(?!\w)", text[command.start : command.end]) is not None


def defaulted(command: Command, text: str, name: str) -> bool:
    """Does it set the variable where that is empty: `${NAME:=value}`?"""
    return re.search(rf"\$\{{{re.escape(name)}:?=", text[command.start : command.end]) is not None


def _why_uncertain(command: Command, name: str) -> Text:
    if command.in_function:
        return Text("{name} is set inside a function", name=name)
    return Text("{name} is set only under a condition", name=name)


def _why_unclear(command: Command, name: str) -> Text:
    words = [word.text for word in command.words if word.text != "export"]
    if words[0].startswith(f"{name}=") and any(word.startswith("-") for word in words[1:]):
        return Text("the value of {name} ends at the first space; put quotation marks around it", name=name)
    return Text("the value of {name} depends on something outside the file", name=name)


class _Editor:
    """The text, and the places in it that change."""

    def __init__(self, text: str) -> None:
        self.text = text if not text or text.endswith("\n") else text + "\n"
        self.script = _script(self.text)
        self.changes: list[tuple[int, int, str]] = []
        self.at_end: list[str] = []

    def assignments(self, name: str) -> list[Assignment]:
        """Every assignment to this variable, in order.

        Raises:
            SdsetupError: `launch-file-unclear`
        """
        found: list[Assignment] = []
        for command in self.script.commands:
            assigned = assignments_of(command)
            if defaulted(command, self.text, name):
                raise refusals.unclear("sh", command.line, _why_unclear(command, name))
            if assigned is not None:
                found += [one for one in assigned[0] if one.name == name]
            elif command.certain and command.words[0].text == "unset" and mentions(command, self.text, name):
                found = []
            elif leaves(command):
                raise refusals.unclear(
                    "sh", command.line, Text("the script may exit there, before the lines that follow")
                )
            elif mentions(command, self.text, name):
                raise refusals.unclear("sh", command.line, _why_unclear(command, name))
        return found

    def exported(self, name: str) -> bool:
        for command in self.script.commands:
            assigned = assignments_of(command) if command.certain else None
            if assigned and assigned[1] and name in exported_names(command):
                return True
        return False

    # --- flags ---

    def put_flags(self, settings: Settings) -> None:
        wanted, gone = touched(settings)
        chain = self._live(set(wanted) | gone)
        if not chain:
            if wanted:
                self._insert(ARGS, "".join(unit.text for unit in edit([[]], settings, ARGS)[0]))
            return
        for one in chain:
            self._refuse_hidden(one, set(wanted) | gone)
        line = chain[-1].command.line
        try:
            edited = edit([one.value for one in chain], settings, ARGS)
        except BrokenQuotesError:
            raise refusals.broken_quotes("sh", line) from None
        except EntangledError as error:
            raise refusals.unclear(
                "sh", line, Text("the value of {flag} comes from another variable", flag=error.flag)
            ) from None
        for one, units in zip(chain, edited, strict=True):
            if list(one.value) != units:
                self._rewrite(one, self._quoted(one, units))
        self._export(chain[-1])

    def _live(self, names: set[str]) -> list[Assignment]:
        live: list[Assignment] = []
        for one in reversed(self.assignments(ARGS)):
            appends = one.appends or any(unit.role == "reference" and unit.text == ARGS for unit in one.value)
            if one.certain:
                live.insert(0, one)
            elif not appends or names & _names_in(one):
                raise refusals.unclear("sh", one.command.line, _why_uncertain(one.command, ARGS))
            if one.certain and not appends:
                break
        return live

    def _refuse_hidden(self, one: Assignment, names: set[str], seen: frozenset[str] = frozenset()) -> None:
        """What bash puts in may carry one of our flags: then there are two hands on it."""
        try:
            names_in_it = opaque(one.value, ARGS)
        except BrokenQuotesError:
            return  # said where the flags are edited
        for name in names_in_it:
            if name in seen or name == ARGS or name in _PLACES or re.fullmatch(r"\$[@*\d]|\$\(\(.*", name):
                continue  # $@ and $1: what webui.sh was called with, mostly nothing; $((...)) is a number
            others = self.assignments(name) if re.fullmatch(r"\w+", name) else []
            if not others:
                raise refusals.unclear(
                    "sh",
                    one.command.line,
                    Text(
                        "the value of {name} can't be determined from the file",
                        name=f"${name}" if name.isidentifier() else name,
                    ),
                )
            for other in others:
                found = names & _names_in(other)
                if found:
                    raise refusals.unclear(
                        "sh",
                        other.command.line,
                        Text("{flag} is added to COMMANDLINE_ARGS through {name}", flag=min(found), name=name),
                    )
                self._refuse_hidden(other, names, seen | {name})

    def _quoted(self, one: Assignment, units: Sequence[Unit]) -> str:
        source = self.text[one.word.start : one.word.end]
        value = source[:1] if source[:1] in ('"', "'") else source[source.index("=") + 1 :]
        text = "".join(unit.text for unit in units)
        bare_brace = any(unit.role == "reference" and unit.raw == "{" for unit in units)
        if bare_brace:
            raise refusals.unclear("sh", one.command.line, Text("bash expands {braces}"))
        if (
            any(unit.role == "reference" for unit in units)
            or (one.value and all(unit.quoted for unit in one.value))
            or value == '""'
        ):
            return '"' + "".join(map(_in_double_quotes, units)) + '"'
        return f"'{text}'" if value.startswith("'") and "'" not in text else shlex.quote(text)

    # --- variables ---

    def put_variable(self, name: str, value: str) -> None:
        before = self.assignments(name)
        if not before:
            self._insert(name, value)
            return
        last = before[-1]
        if not last.certain:
            raise refusals.unclear(
                "sh", last.command.line, Text("{name} is set only under a condition", name=name)
            )
        same = "".join("\ufffc" if unit.role == "reference" else unit.text for unit in last.value) == value
        if not same or last.appends:
            self._rewrite(last, shlex.quote(value), replaces=True)
        self._export(last)

    def drop_variable(self, name: str) -> None:
        for one in self.assignments(name):
            if not one.certain:
                raise refusals.unclear(
                    "sh", one.command.line, Text("{name} is set only under a condition", name=name)
                )
            if len(named_words(one.command)) > 1:
                self.changes.append((one.word.start, one.word.end + 1, ""))
                continue
            start = self.text.rfind("\n", 0, one.command.start) + 1
            end = self.text.index("\n", one.command.end) + 1
            alone = (
                not self.text[start : one.command.start].strip() and not self.text[one.command.end : end].strip()
            )
            self.changes.append((start, end, "") if alone else (one.command.start, one.command.end, ":"))

    def _export(self, one: Assignment) -> None:
        if self.exported(one.name):
            return
        if len(one.command.words) == 1:
            self.changes.append((one.word.start, one.word.start, "export "))
        else:
            self.at_end.append(f"export {one.name}\n")

    def _rewrite(self, one: Assignment, quoted: str, *, replaces: bool = False) -> None:
        head = one.name + ("+=" if one.appends and not replaces else "=")
        self.changes.append((one.word.start, one.word.end, head + quoted))

    # --- places ---

    def _insert(self, name: str, value: str) -> None:
        line = f"export {name}={shlex.quote(value)}\n"
        unset = any(command.words[0].text == "unset" or leaves(command) for command in self.script.commands)
        for start, end in reversed([] if unset else self.script.comments):
            if re.match(rf"#+\s*(export\s+)?{re.escape(name)}=", self.text[start:end]):
                self.changes.append((end + 1, end + 1, line))
                return
        self.at_end.append(line)

    def content(self) -> str:
        text = self.text
        for start, end, new in sorted(self.changes, key=lambda change: change[:2], reverse=True):
            text = text[:start] + new + text[end:]
        return text + "".join(self.at_end)


def _names_in(one: Assignment) -> set[str]:
    try:
        return names_in(one.value, one.name)
    except BrokenQuotesError:
        return set()


def _in_double_quotes(unit: Unit) -> str:
    if unit.role == "reference":
        return "$HOME" if unit.raw == "~" else unit.raw or ""
    if unit.raw is not None and unit.quoted:
        return unit.raw
    return "\\" + unit.text if unit.text in '$`"\\' else unit.text
