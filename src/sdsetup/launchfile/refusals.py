"""Why a launch file is left alone, by name. Nothing is lost when one of these is raised."""

from __future__ import annotations

from sdsetup.errors import SdsetupError
from sdsetup.text import Text
from sdsetup.values.flags import FILE_NAMES, LONGEST_CMD_LINE, Kind


def unclear(kind: Kind, line: int | None, why: Text) -> SdsetupError:
    """`line`: 1-based, None where it is about the whole file."""
    plain = "set NAME=value" if kind == "bat" else "export NAME=value"
    return SdsetupError(
        Text("The launch file can't be changed safely"),
        code="launch-file-unclear",
        where=_place(kind, line),
        why=why,
        hint=Text(
            "Write that line as `{plain}`, or rename the file; sdsetup then creates a new one.", plain=plain
        ),
    )


def broken_quotes(kind: Kind, line: int) -> SdsetupError:
    return SdsetupError(
        Text("A quotation mark in COMMANDLINE_ARGS is never closed"),
        code="launch-file-quotes",
        where=_place(kind, line),
        why=Text('the web UI stops at such a line ("No closing quotation")'),
        hint=Text("Close the quotation mark. A quoted Windows path must not end with a backslash."),
    )


def encoding(kind: Kind, why: Text, hint: Text) -> SdsetupError:
    shell = "cmd" if kind == "bat" else "bash"
    return SdsetupError(
        Text("{shell} can't run the launch file", shell=shell),
        code="launch-file-encoding",
        where=_place(kind, None),
        why=why,
        hint=hint,
    )


def letters(name: str, text: str) -> SdsetupError:
    strange = "".join(sorted({letter for letter in text if not letter.isascii()}))
    return SdsetupError(
        Text("{name} contains characters that the launch file can't store: {letters}", name=name, letters=strange),
        code="launch-file-letters",
        where=_place("bat", None),
        why=Text("the command prompt reads the file in the console's code page, which lacks them or is unknown"),
        hint=Text("Choose a folder named with plain Latin letters, or use a path relative to the install folder."),
    )


def delayed(name: str, line: int) -> SdsetupError:
    return SdsetupError(
        Text("{name} contains a !, which the launch file can't store", name=name),
        code="launch-file-letters",
        where=_place("bat", line),
        why=Text(
            "that line turns on delayed expansion, so the command prompt treats every ! as part of a variable"
        ),
        hint=Text("Choose a folder without ! in its name, or remove EnableDelayedExpansion from that line."),
    )


def too_long(name: str) -> SdsetupError:
    return SdsetupError(
        Text("{name} would be too long for the command prompt", name=name),
        code="launch-file-too-long",
        where=_place("bat", None),
        why=Text("the command prompt reads at most {limit} characters per line", limit=LONGEST_CMD_LINE),
        hint=Text("Use fewer or shorter flags."),
    )


def _place(kind: Kind, line: int | None) -> str:
    return FILE_NAMES[kind] if line is None else f"{FILE_NAMES[kind]}, line {line}"
