"""Commands to paste, as they are typed on this PC in this run: program, folder, practice run, and language."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from sdsetup.command import Command
from sdsetup.text import harmless

# Each command with the options that a run hands on to the commands it names; a test compares this with --help.
CARRIES = {
    **dict.fromkeys(
        (
            *("doctor", "status", "install", "tune", "why", "launch", "verify", "fix", "update", "undo"),
            *("uninstall", "extensions", "model", "report", "shortcut"),
        ),
        ("--dir", "--rehearse"),
    ),
    "kit": (),
    "clean": (),
    "self": (),
    "fleet": (),
    "schema": (),
}
_NAMES = "|".join(CARRIES)
# One of our commands in a sentence: between backticks, at its end behind a colon, or its program name alone.
_OURS = re.compile(
    rf"`(sdsetup(?: [^`]+)?)`|(?<=: )(sdsetup (?:{_NAMES})\b[^`\n]*)\Z|(?<![\w./-])sdsetup(?= (?:{_NAMES}|--)\b)"
)
# Any command in a sentence; the name of a single one of ours, `tune`, cannot be broken.
_ANY = re.compile(rf"`([^`]*[ {{][^`]*)`|(?<=: )(sdsetup (?:{_NAMES})\b[^`\n]*)\Z")


@dataclass(frozen=True)
class _Run:
    """What the commands of this run carry."""

    dir: Path | None = None
    rehearse: bool = False
    usual_dir: Path | None = None  # meant when no folder is named
    language: str | None = None  # that was asked for on the command line


_run: ContextVar[_Run] = ContextVar("run", default=_Run())  # noqa: B039 - frozen


def forget_run() -> None:
    """A new run begins: nothing is carried."""
    _run.set(_Run())


def carry_dir(folder: Path) -> None:
    """This run was told a folder: so are the commands that it names."""
    _run.set(replace(_run.get(), dir=folder))


def carry_language(code: str) -> None:
    """This run was told a language, which every command of ours takes."""
    _run.set(replace(_run.get(), language=code))


def carry_practice(usual: Path) -> None:
    """This is a practice run, which installs into `usual` unless a folder is named."""
    _run.set(replace(_run.get(), rehearse=True, usual_dir=usual))


def typed(command: str, *, carried: bool = True) -> str:
    """A command to paste, as it is typed here. `carried`: it continues this run, so it gets its folder, its
    practice run and its language."""
    if not isinstance(command, Command):
        found = _parsed(command)
        if found is None:
            return harmless(as_typed(command))
        if not carried or _carried(found.argv[1:]) == found.argv[1:]:
            return harmless(Command(*_program()) + command.removeprefix("sdsetup"))  # quoted as it is written
        command = found
    if command.argv[0] != "sdsetup":
        return harmless(command)
    words = _carried(command.argv[1:]) if carried else command.argv[1:]
    return harmless(Command(*_program(), *words, family=command.family))


def as_typed(said: str, *, template: bool = False) -> str:
    """A sentence with our commands as they are typed here: whoever started us with `./sdsetup.sh` or
    `sdsetup.bat` has no `sdsetup` on PATH. `template`: it will be filled in, so braces of a folder's name are
    doubled."""
    program = harmless(Command(*_program()))
    return _OURS.sub(lambda found: _here(found, template) if found[1] or found[2] else program, said)


def commands_of(said: str, *, template: bool = False) -> Iterator[str]:
    """The commands of a sentence, each as `as_typed` leaves it there: between its backticks, or at the end."""
    return (_here(found, template) for found in _ANY.finditer(said))


def _here(found: re.Match[str], template: bool) -> str:
    command = found[1] or found[2]
    if command.startswith("sdsetup"):
        command = typed(command)
        command = command.replace("{", "{{").replace("}", "}}") if template else command
    return f"`{command}`" if found[1] else command


def _parsed(command: str) -> Command | None:
    """A command that stands in a profile or in code as one plain string."""
    if not command.startswith("sdsetup ") or "\\" in command:
        return None
    try:
        return Command(*shlex.split(command))
    except ValueError:
        return None


def _program() -> tuple[str, ...]:
    """The words that start this program."""
    named = os.environ.get("SDSETUP_COMMAND")
    if named:
        return (named,)
    return ("uvx", "sdsetup") if run_by_uvx() else ("sdsetup",)


def run_by_uvx() -> bool:
    """`uvx sdsetup` keeps its environment in uv's own cache and puts no command on PATH."""
    return "archive-v0" in Path(sys.prefix).parts


def _carried(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command of ours with what this run hands on."""
    run, takes = _run.get(), CARRIES.get(words[0], ()) if words else ()
    if run.rehearse and ("--dir", str(run.usual_dir)) in pairwise(words):
        at = words.index("--dir")
        words = words[:at] + words[at + 2 :]
    folder = run.dir if run.dir != run.usual_dir else None
    more: tuple[str, ...] = ()
    if "--dir" in takes and folder is not None and "--dir" not in words and "--facts" not in words:
        more += ("--dir", str(folder))
    if "--rehearse" in takes and run.rehearse and "--rehearse" not in words:
        more += ("--rehearse",)
    if run.language is not None and words and words[0] in CARRIES and "--lang" not in words:
        more += ("--lang", run.language)
    return (*words, *more)
