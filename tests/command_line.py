"""The real command line as a judge: does it take these words?"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import typer

from sdsetup.cli.app import COMMANDS, app
from sdsetup.cli.language import without_language


@functools.cache
def _command(name: str) -> Any:
    return typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]


def refusal(argv: Sequence[str]) -> str | None:
    """Why `sdsetup ...` would be wrong usage; None where the command line takes it. Nothing is carried out."""
    words, _language = without_language(list(argv[1:]))
    if not words or words[0] in ("--help", "--version", "-h", "COMMAND"):
        return None
    name = words.pop(0)
    if name not in COMMANDS:
        return f"no command {name}"
    command = _command(name)
    if hasattr(command, "commands") and words and not words[0].startswith("-"):
        below = words.pop(0)
        if below not in command.commands:
            return f"no command {name} {below}"
        command = command.commands[below]
    try:
        with command.make_context("sdsetup", words):
            return None
    except typer.Exit:
        return None
    except Exception as error:  # noqa: BLE001 - the library's own errors have no common public name
        if len(argv) == 3 and type(error).__name__ == "MissingParameter":
            return None  # only mentioned: "the folder that `sdsetup kit make` filled"
        return getattr(error, "message", None) or str(error) or type(error).__name__
