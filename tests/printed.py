"""The commands of ours in what a run printed: on lines of their own, between backticks, and in JSON."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from sdsetup.cli.app import COMMANDS

_NAMED = rf"sdsetup (?:{'|'.join(COMMANDS)})\b"
# A line that is nothing but a command; prose has a capital, a colon, or a full stop.
_LINE = re.compile(rf"^\s*(?:\$ )?({_NAMED}[^\n]*?)\s*$", re.MULTILINE)
_TICKED = re.compile(rf"`({_NAMED}[^`\n]*)`")
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?=\n)")


def printed(output: str | bytes | None) -> Iterator[tuple[str, ...]]:
    """The words of each."""
    if output is None:
        return
    said = output.decode("utf-8", "replace") if isinstance(output, bytes) else output
    said = _STEERING.sub("", said)
    for command in {*_of_documents(said), *_LINE.findall(said), *_TICKED.findall(said)}:
        with contextlib.suppress(ValueError):  # an apostrophe: prose
            yield tuple(shlex.split(command.partition("  ")[0]))


def _of_documents(said: str) -> Iterator[str]:
    """What stands under "command" in a document, or in lines of them."""
    if "{" not in said:
        return
    for text in (said, *said.splitlines()):
        with contextlib.suppress(ValueError):
            yield from _named(json.loads(text))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        command = value.get("command")
        if isinstance(command, str) and command.startswith("sdsetup "):
            yield command
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)
