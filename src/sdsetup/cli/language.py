"""The language of the command line: `--lang`, and the library's own words in help and errors."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sdsetup.errors import UsageError
from sdsetup.machine.language import system_language
from sdsetup.show import language
from sdsetup.show.commands import carry_language
from sdsetup.show.language import in_language
from sdsetup.show.words import say
from sdsetup.text import Text, message

OPTION = "--lang"


def speak_as_asked(arguments: Sequence[str]) -> list[str]:
    """Set the language of this run: `--lang` (anywhere before a "--"), else SDSETUP_LANG, else the system's. The
    arguments without it are returned, as every command knows this option.

    Raises:
        UsageError: `language-unknown`, `option-value`.
    """
    rest, asked = without_language(list(arguments))
    typed, asked = asked, asked or os.environ.get("SDSETUP_LANG", "").strip() or None
    # The system's language is asked for only where nobody named one: on Windows it takes a library.
    language.speak(language.choose(asked, None if asked else system_language()))
    if typed:
        carry_language(language.current())
    return rest


def without_language(arguments: list[str]) -> tuple[list[str], str | None]:
    """The arguments without `--lang`, and its value."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest: list[str] = []
    asked: str | None = None
    words = iter(arguments[:end])
    for word in words:
        if word == OPTION:
            asked = next(words, None)
            if asked is None:
                raise UsageError(
                    Text("{option} needs a language", option=OPTION),
                    hint=Text("Choose one of: {codes}.", codes=", ".join(language.languages())),
                    code="option-value",
                )
        elif word.startswith(OPTION + "="):
            asked = word.partition("=")[2]
        else:
            rest.append(word)
    return rest + arguments[end:], asked


def helps_of(command: Any) -> Iterator[tuple[Any, str]]:
    """What of a command is a sentence: the object and the attribute's name. Translators are given the same."""
    for name in ("help", "short_help", "options_metavar", "subcommand_metavar"):
        if getattr(command, name, None):
            yield command, name
    for parameter in command.params:
        for name in ("help", "metavar", "rich_help_panel"):
            if getattr(parameter, name, None):
                yield parameter, name


def sentence_of(owner: Any, name: str) -> str:
    """An attribute of `helps_of` as it stands in the catalogue."""
    return inspect.cleandoc(getattr(owner, name))


def translated(command: Any) -> Any:
    """The command, its help and the library's words in the language of this run. Changes it in place."""
    if language.current() == language.ENGLISH:
        return command
    for owner, name in helps_of(command):
        setattr(owner, name, in_language(sentence_of(owner, name)))
    command.context_class = _context_class(command.context_class)
    for inner in getattr(command, "commands", {}).values():
        translated(inner)
    return command


def _context_class(context_class: Any) -> Any:
    """A context that formats help with our words in place of the library's."""
    if issubclass(context_class.formatter_class, _Words):
        return context_class
    formatter = type("Formatter", (_Words, context_class.formatter_class), {})
    return type("Context", (context_class,), {"formatter_class": formatter})


class _Words:
    """The formatter of help: headings, the usage line, and what stands in brackets behind an option."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        parent: Any = super()
        usage = say(Text("Usage:")) + " " if prefix is None else prefix
        parent.write_usage(prog, " ".join(in_language(word) for word in args.split(" ")), usage)

    def write_heading(self, heading: str) -> None:
        parent: Any = super()
        parent.write_heading(in_language(heading))

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **options: Any) -> None:
        parent: Any = super()
        parent.write_dl([(first, _bracketed(second)) for first, second in rows], *args, **options)


# Words of the command line library in help. "Options", "Arguments", and "Commands" are its headings.
HELP_WORDS = (
    message("Options"),
    message("Arguments"),
    message("Commands"),
    message("Show this message and exit."),
    message("[OPTIONS]"),
    message("COMMAND"),
    message("[ARGS]..."),
)
_EXTRAS = re.compile(r"  ?\[((?:default|env var|required)[^\]]*)\]$|^\[((?:default|env var|required)[^\]]*)\]$")


def _bracketed(said: str) -> str:
    """A help with "[default: auto; required]" behind it, or nothing but that."""
    found = _EXTRAS.search(said)
    if found is None:
        return in_language(said)
    extras = []
    for extra in (found[1] or found[2]).split("; "):
        kind, _, value = extra.partition(": ")
        known = {
            "default": Text("default: {value}", value=value),
            "env var": Text("environment variable: {value}", value=value),
            "required": Text("required"),
        }
        extras.append(say(known[kind]) if kind in known else extra)
    help = said[: found.start()]
    return (in_language(help) + "  " if help else "") + f"[{'; '.join(extras)}]"


# The library's errors, by their English words; what a group of a pattern holds is put into the sentence.
_ERRORS: tuple[tuple[str, str], ...] = (
    (r"No such command '(?P<name>.*)'\.(?P<more>.*)", message("There is no command {name}.{more}")),
    (r"No such option: (?P<name>\S+)(?P<more>.*)", message("There is no option {name}.{more}")),
    (r"Missing command\.", message("A command is missing.")),
    (r"Missing argument '(?P<name>.*)'\.", message("{name} is missing.")),
    (r"Missing option '(?P<name>.*)'\.", message("The option {name} is missing.")),
    (r"Missing parameter: (?P<name>.*)", message("{name} is missing.")),
    (r"Got unexpected extra arguments?(?:\(s\))? \((?P<words>.*)\)", message("Too many words: {words}")),
    (r"Option '(?P<name>.*)' requires an argument\.", message("The option {name} needs a value.")),
    (r"Option '(?P<name>.*)' does not take a value\.", message("The option {name} takes no value.")),
    (r"Invalid value for '?(?P<name>.*?)'?: (?P<why>.*)", message("{name} can't have this value: {why}")),
    (r"Invalid value: (?P<why>.*)", message("This value is not possible: {why}")),
    (r"'(?P<value>.*)' is not a valid (?:int|integer)(?: range)?\.", message('"{value}" is not a whole number.')),
    (r"'(?P<value>.*)' is not a valid float(?: range)?\.", message('"{value}" is not a number.')),
    (r"(?P<value>.*) is not in the range (?P<range>.*)\.", message("{value} is not in the range {range}.")),
    (r" ?\(Possible options?: (?P<names>.*)\)", message(" Similar options: {names}")),
    (r" ?Did you mean (?P<names>.*)\?", message(" Did you mean {names}?")),
)
_TRY = re.compile(r"Try '(?P<command>.*)' for help\.")


def library_error(said: str) -> str:
    """What the command line library says of wrong options, in the language of this run."""
    if language.current() == language.ENGLISH:
        return said
    lines = []
    for line in said.split("\n"):
        hint = _TRY.fullmatch(line)
        if hint is not None:
            line = say(Text("For help: {command}", command=hint["command"]))
        elif line.startswith("Error: "):
            line = say(Text("Error: {what}", what=_worded(line.removeprefix("Error: "))))
        lines.append(line)
    return "\n".join(lines)


def _worded(english: str) -> str | Text:
    """An error as a sentence of ours; one that is not known stays what it is."""
    for pattern, template in _ERRORS:
        found = re.fullmatch(pattern, english)
        if found is not None:
            return Text(template, **{name: _worded(value) for name, value in found.groupdict("").items()})
    return english
