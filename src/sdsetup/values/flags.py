"""What goes into a launch file and what comes out of one, as values; and what is refused by name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sdsetup.errors import SdsetupError
from sdsetup.text import Text

Kind = Literal["bat", "sh"]

ARGS = "COMMANDLINE_ARGS"
FILE_NAMES: dict[Kind, str] = {"bat": "webui-user.bat", "sh": "webui-user.sh"}

# cmd reads no more than this of a line, expansions included:
# learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation
LONGEST_CMD_LINE = 8191

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9@+=:,./_-]+")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\\\[^\\]")
_NUMBER = re.compile(r"-\d")
# As text programs write them: what was typed as "--medvram" is pasted as one word with a long dash. The web UI
# stops at it as at any flag that it does not know.
_LONG_DASHES = ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What we want a launch file to say; everything else in it belongs to the user.

    `flags`: one string per flag, value included, as it would stand on a command line
    ("--xformers", "--use-cpu all", '--ckpt-dir "D:/AI models"'; `flag()` quotes for you).
    `env`: (name, value) in the order they are written. `drop_flags`, `drop_env`: names that we set
    earlier and no longer want. `exclusive`: groups of flag names of which one line holds only one;
    setting a member takes the others out. `theirs`: variables that the user set, which nobody adds to `env`.
    """

    flags: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    drop_flags: tuple[str, ...] = ()
    drop_env: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unclear:
    """A line whose effect cannot be told from the file alone. `name`: the variable it is about."""

    line: int  # 1-based
    name: str | None
    why: Text


@dataclass(frozen=True, kw_only=True)
class LaunchFile:
    """What webui.bat or webui.sh sees after this file.

    `flags`: COMMANDLINE_ARGS as the web UI splits it (an argument list). `env`: variables that the
    web UI's own process gets. `variables`: those that only webui.sh itself reads (`venv_dir`,
    `python_cmd`: plain assignments without `export`; always empty for a .bat, where all is `env`).
    `unset`: names that the file clears. A name in `unclear` is in none of them. `start_flags`: arguments on the
    line that calls webui.bat; the web UI reads them before `flags`. `without_effect`: lines that set nothing.
    `runs`: line and name of other files whose settings the launch file takes in, unread.
    `second_starts`: lines that set the flags anew for another start behind the first.
    """

    kind: Kind
    flags: tuple[str, ...]
    env: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    start_flags: tuple[str, ...] = ()
    without_effect: tuple[Unclear, ...] = ()
    runs: tuple[tuple[int, str], ...] = ()
    second_starts: tuple[int, ...] = ()

    def apply(self, environment: Mapping[str, str]) -> dict[str, str]:
        """`environment` as the web UI would find it after this file ran. cmd knows no letter case in names."""
        fold = str.upper if self.kind == "bat" else str
        gone = {fold(name) for name in (*self.unset, *self.env)}
        return {**{k: v for k, v in environment.items() if fold(k) not in gone}, **self.env}


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One flag and its values, as the web UI's argument parser groups them. As a text: "--use-cpu all"."""

    name: str
    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Flag:
        """A flag as it stands in a profile or in `Settings.flags`: "--use-cpu all"."""
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        found = grouped(words)
        return found[0] if found else cls(name=text)

    def __str__(self) -> str:
        return " ".join((self.name, *self.values))


def names_of(flags: Iterable[str]) -> tuple[str, ...]:
    """The names of flags that stand as texts ("--use-cpu all"), in order and without repeats."""
    return tuple(dict.fromkeys(Flag.parse(text).name for text in flags))


def flag(name: str, *values: str) -> str:
    """A flag with values, quoted for `Settings.flags`.

    Windows paths get forward slashes: the web UI splits COMMANDLINE_ARGS like a POSIX shell, where
    backslashes vanish (modules/paths_internal.py:12).
    """
    words = [value.replace("\\", "/") if _WINDOWS_PATH.match(value) else value for value in values]
    if len(words) == 1 and words[0].startswith("-") and not _NUMBER.match(words[0]):
        return f"{name}={word(words[0])}"
    return " ".join([name, *map(word, words)])


def word(text: str) -> str:
    """One argument as POSIX shlex reads it back, in double quotes where it needs any."""
    if _PLAIN_WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def grouped(arguments: tuple[str, ...] | list[str]) -> list[Flag]:
    """An argument list as flags. The web UI has no positional arguments: what is no flag is a value."""
    flags: list[Flag] = []
    for argument in arguments:
        if is_flag(argument):
            name, equals, value = argument.partition("=")
            flags.append(Flag(name=name, values=(value,) if equals else ()))
        elif flags:
            last = flags.pop()
            flags.append(Flag(name=last.name, values=(*last.values, argument)))
    return flags


def is_flag(argument: str) -> bool:
    dashed = argument.startswith(("-", *_LONG_DASHES))
    return dashed and len(argument) > 1 and not _NUMBER.match(argument)


def parsed_flags(settings: Settings) -> dict[str, Flag]:
    """Our flags by name, in order.

    Raises:
        SdsetupError: `launch-flag` for a string that is not exactly one flag.
    """
    found: dict[str, Flag] = {}
    for text in settings.flags:
        _printable(text, where=text)
        try:
            words = shlex.split(text)
        except ValueError:
            words = []
        flags = grouped(words)
        if len(flags) != 1 or not is_flag(words[0]):
            raise SdsetupError(
                Text("{flag} is not a single flag with its value", flag=text),
                code="launch-flag",
                where=text,
                hint=Text("Put values with spaces, quotation marks, or backslashes in double quotation marks."),
            )
        found[flags[0].name] = flags[0]
    return found


def checked(settings: Settings) -> None:
    """Refuse by name what no launch file can carry.

    Raises:
        SdsetupError: `launch-name`, `launch-empty-value`, `launch-control-letter` or `launch-flag`.
    """
    parsed_flags(settings)
    for name, value in settings.env:
        if not _NAME.fullmatch(name) or name.upper() == ARGS:
            raise SdsetupError(
                Text("{name} can't be set as an environment variable in a launch file", name=name),
                code="launch-name",
                where=name,
                hint=Text(
                    "Use only letters, digits, and _ in the name. Pass flags for COMMANDLINE_ARGS separately."
                ),
            )
        if not value:
            raise SdsetupError(
                Text("The value of {name} is empty", name=name),
                code="launch-empty-value",
                where=name,
                why=Text("the web UI treats an empty environment variable as a value, not as the default"),
                hint=Text("Leave it out to use the web UI's default."),
            )
        _printable(value, where=name)


def _printable(value: str, *, where: str) -> None:
    for letter in value:
        code = ord(letter)
        control = code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF or code in (0x2028, 0x2029)
        if letter == "\t" or not control:
            continue
        raise SdsetupError(
            Text(
                "The value of {name} contains the character U+{code}, which a launch file can't store",
                name=where,
                code=f"{ord(letter):04X}",
            ),
            code="launch-control-letter",
            where=where,
            why=Text("a launch file is read line by line as text"),
            hint=Text("Choose a folder or value without line breaks and control characters."),
        )
