"""Why a launch file is left alone, by name. Nothing is lost when one of these is raised."""

from __future__ import annotations

from sdsetup.errors import SdsetupError
from sdsetup.text import Text
from sdsetup.values.flags import FILE_NAMES, LONGEST_CMD_LINE, Kind


def unclear(kind: Kind, line: int | None, why: Text) -> SdsetupError:
    """`line`: 1-based, None where it is about the whole file."""
    plain = "set NAME=value" if kind == "bat" else "export NAME=value"
    return SdsetupError(
        Text("The launch file holds something that cannot be changed safely"),
        code="launch-file-unclear",
        where=_place(kind, line),
        why=why,
        hint=Text("Make that line a plain `{plain}`, or rename the file: a new one is then written.", plain=plain),
    )


def broken_quotes(kind: Kind, line: int) -> SdsetupError:
    return SdsetupError(
        Text("COMMANDLINE_ARGS has a quote that never closes"),
        code="launch-file-quotes",
        where=_place(kind, line),
        why=Text('the web UI itself stops at such a line ("No closing quotation")'),
        hint=Text("Close the quote; a quoted Windows folder must not end in a backslash."),
    )


def encoding(kind: Kind, why: Text, hint: Text) -> SdsetupError:
    shell = "cmd" if kind == "bat" else "bash"
    return SdsetupError(
        Text("The launch file is not a text that {shell} can run", shell=shell),
        code="launch-file-encoding",
        where=_place(kind, None),
        why=why,
        hint=hint,
    )


def letters(name: str, text: str) -> SdsetupError:
    strange = "".join(sorted({letter for letter in text if not letter.isascii()}))
    return SdsetupError(
        Text("{name} holds letters that the launch file cannot carry: {letters}", name=name, letters=strange),
        code="launch-file-letters",
        where=_place("bat", None),
        why=Text("cmd reads a .bat in the console's code page, which lacks them or is not known"),
        hint=Text(
            "Choose a folder with a name in plain Latin letters, or give it relative to the web UI's folder."
        ),
    )


def delayed(name: str, line: int) -> SdsetupError:
    return SdsetupError(
        Text("{name} holds a !, which the launch file cannot carry", name=name),
        code="launch-file-letters",
        where=_place("bat", line),
        why=Text("that line switches delayed expansion on, and cmd then takes every ! for part of a variable"),
        hint=Text("Choose a folder without ! in its name, or take EnableDelayedExpansion out of that line."),
    )


def too_long(name: str) -> SdsetupError:
    return SdsetupError(
        Text("{name} would be longer than cmd can read", name=name),
        code="launch-file-too-long",
        where=_place("bat", None),
        why=Text("cmd reads at most {limit} letters of a line", limit=LONGEST_CMD_LINE),
        hint=Text("Use fewer or shorter flags."),
    )


def _place(kind: Kind, line: int | None) -> str:
    return FILE_NAMES[kind] if line is None else f"{FILE_NAMES[kind]}, line {line}"
