"""A webui-user.sh read as bash reads it, as far as that can be told without running it.

The text becomes simple commands with their words; what runs only under a condition is marked so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sdsetup.launchfile.arguments import Unit
from sdsetup.launchfile.sh.words import ENDS_WORD, UnreadableError, Word, WordScanner

_OPENERS = {
    "if": "fi",
    "while": "done",
    "until": "done",
    "for": "done",
    "select": "done",
    "case": "esac",
    "{": "}",
}
_FOLLOWERS = frozenset({"then", "else", "elif", "do", "!", "time"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=)")
_OPERATORS = (
    "&&",
    "||",
    ";;",
    "<<<",
    "<<-",
    "<<",
    ">>",
    "<&",
    ">&",
    "&>",
    ">|",
    "<>",
    "|",
    "&",
    ";",
    "<",
    ">",
    "(",
    ")",
    "\n",
)


@dataclass(kw_only=True)
class Command:
    """A simple command. `certain`: it runs whenever the file runs, in the file's own shell."""

    line: int
    certain: bool
    start: int
    end: int = 0
    words: list[Word] = field(default_factory=list)
    in_function: bool = False
    exporting: bool = False  # `set -a`: what it assigns is exported


@dataclass(frozen=True, kw_only=True)
class Assignment:
    name: str
    appends: bool  # NAME+=
    word: Word
    value: tuple[Unit, ...]
    command: Command

    @property
    def certain(self) -> bool:
        return self.command.certain


@dataclass(frozen=True, kw_only=True)
class Script:
    """Every simple command in order, and the places of the comments at the top level."""

    commands: tuple[Command, ...]
    comments: tuple[tuple[int, int], ...]


def script(text: str) -> Script:
    """The file as bash splits it. A `Unit` is `quoted` where it stands in double quotes.

    Raises:
        UnreadableError
    """
    scanner = _Scanner(text)
    scanner.run()
    exporting = False
    for command in scanner.found:
        command.exporting = exporting
        exporting = _exporting_after(command, exporting)
    return Script(commands=tuple(scanner.found), comments=tuple(scanner.comments))


def _exporting_after(command: Command, before: bool) -> bool:
    words = [word.text for word in command.words]
    if words[0] != "set" or not command.certain:
        return before
    for option, value in zip(words[1:], [*words[2:], ""], strict=False):
        if re.fullmatch(r"[-+][A-Za-z]*a[A-Za-z]*", option) or (option in ("-o", "+o") and value == "allexport"):
            return option.startswith("-")
    return before


def assignments_of(command: Command) -> tuple[list[Assignment], bool] | None:
    """The variables that a command sets, and whether it exports them; None for other commands."""
    named = named_words(command)
    exports = len(named) < len(command.words)
    found: list[Assignment] = []
    for word in named:
        match = _ASSIGNMENT.match(word.text)
        # A quoted name makes it an ordinary word, except behind `export`.
        if match and (exports or _bare(word.units[: match.end()])):
            found.append(
                Assignment(
                    name=match[1],
                    appends=match[2] == "+=",
                    word=word,
                    value=word.units[match.end() :],
                    command=command,
                )
            )
        elif not exports or not _NAME.fullmatch(word.text):
            return None
    return (found, exports or command.exporting) if named else None


def _bare(units: Sequence[Unit]) -> bool:
    return all(unit.raw == unit.text and not unit.quoted for unit in units)


def exported_names(command: Command) -> set[str]:
    """What a command of `assignments_of` exports."""
    return {word.text.partition("=")[0].rstrip("+") for word in named_words(command)}


def named_words(command: Command) -> list[Word]:
    """The words of a command of `assignments_of` that name variables."""
    return command.words[_export_words(command.words) :]


def _export_words(words: Sequence[Word]) -> int:
    """How many words say that what follows is exported: `export`, `declare -x`."""
    first = words[0].text if words else ""
    if first in ("declare", "typeset") and len(words) > 1 and re.fullmatch(r"-g?xg?", words[1].text):
        return 2
    return int(first == "export")


class _Scanner(WordScanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.found: list[Command] = []
        self.current: Command | None = None
        self.stack: list[str] = []
        self.opened = 1  # line of the newest block, heredoc or && ||
        self.heredocs: list[tuple[str, bool]] = []
        self.chained = False  # the next command runs under a condition
        self.joined = False  # right after && || |
        self.comments: list[tuple[int, int]] = []  # at the top level

    def run(self) -> None:
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter in " \t":
                self.at += 1
            elif self.text.startswith(("\\\n", "\\\r\n"), self.at):
                self.at = self.text.index("\n", self.at) + 1
            elif letter == "#":
                self._comment()
            elif letter in ENDS_WORD:
                self._operator()
            else:
                self._take(self.word())
        if self.stack or self.heredocs or self.joined:
            raise UnreadableError(self.opened)
        self._finish(False)

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        if not self.stack and self.current is None and not self.joined:
            self.comments.append((self.at, end))
        self.at = end

    def _take(self, word: Word) -> None:
        self.joined = False
        if self.current is None:
            keyword = word.text if all(unit.raw == unit.text for unit in word.units) else ""
            if self.stack and keyword == self.stack[-1]:
                self.stack.pop()
                self.chained = True  # `fi && x`, `done | x`: rare, and then not certain
                return
            if keyword in _OPENERS:
                self.stack.append(_OPENERS[keyword])
                self.opened = self.line(word.start)
                if keyword not in ("for", "select", "case"):
                    return
            elif keyword in _FOLLOWERS:
                return
            self.current = Command(
                line=self.line(word.start),
                certain=not self.stack and not self.chained,
                start=word.start,
                in_function="}" in self.stack,
            )
        if word.text == "{" and self.current.words and self.current.words[0].text == "function":
            self.stack.append("}")
            self._finish(False)
            return
        self.current.words.append(word)
        self.current.end = word.end

    def _operator(self) -> None:
        operator = next(one for one in _OPERATORS if self.text.startswith(one, self.at))
        start = self.at
        self.at += len(operator)
        if operator in ("<<", "<<-", "(", "&&", "||", "|"):
            self.opened = self.line(start)
        if operator == "\n" and self.current is None and self.joined:
            return  # `a &&` goes on in the next line
        if operator in ("<<", "<<-"):
            while self.text.startswith((" ", "\t"), self.at):
                self.at += 1
            self.heredocs.append((self.word().text, operator == "<<-"))
        elif operator in ("<", ">", ">>", "<<<", "<&", ">&", "&>", ">|", "<>"):
            self._redirection()
        elif operator == "(":
            if self.current is not None and self.text[self.current.end - 1] == "=":
                self._array(self.current, start)
                return
            self._finish(True)
            self.stack.append(")")
        elif operator == ")":
            self._finish(True)
            if self.stack and self.stack[-1] == ")":
                self.stack.pop()
                self.chained = True
            elif "esac" not in self.stack:
                raise UnreadableError(self.line(start))
        else:
            self._finish(operator in ("&&", "||", "|", "&"), closes=operator in ("|", "&"))
            self.chained = self.joined = operator in ("&&", "||", "|")
            if operator == "\n":
                self._skip_heredocs()

    def _redirection(self) -> None:
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1
        if self.text.startswith((">(", "<("), self.at):
            self.at = self.closing(self.at + 1, "(", ")")
        elif self.at < len(self.text) and self.text[self.at] not in ENDS_WORD:
            self.word()
        if self.current is None:
            self.chained = True
        else:
            self.current.end = self.at
            self.current.certain = False  # where the file cannot be opened the command does not run

    def _array(self, command: Command, start: int) -> None:
        """`NAME=(...)`: an opaque value."""
        self.at = self.closing(start, "(", ")")
        last = command.words.pop()
        opaque = Unit(self.text[start : self.at], self.text[start : self.at], role="reference")
        command.words.append(Word(start=last.start, end=self.at, units=(*last.units, opaque)))
        command.end = self.at

    def _finish(self, chains: bool, *, closes: bool = False) -> None:
        """The command ends. In a pipe or in the background it runs in a shell of its own."""
        if self.current is not None:
            if closes:
                self.current.certain = False
            self.found.append(self.current)
            self.current = None
        if not chains:
            self.chained = False

    def _skip_heredocs(self) -> None:
        for delimiter, tabs in self.heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = end + 1
                if (line.lstrip("\t") if tabs else line) == delimiter:
                    break
            else:
                raise UnreadableError(self.opened)
        self.heredocs.clear()
