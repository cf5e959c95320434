"""`sdsetup schema`: what programs may rely on in each document that we print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from sdsetup.errors import EXIT_DONE, UsageError
from sdsetup.show.document import print_document
from sdsetup.show.screen import Screen
from sdsetup.text import Text

_FOLDER = files("sdsetup") / "schemas"
_SHARED = "shared"  # no document of its own: the parts that several have
_REFERENCE = re.compile(r'"#/\$defs/([\w-]+)"')


def run_schema(name: str | None) -> int:
    """The whole of `sdsetup schema`; returns the exit code.

    Raises:
        UsageError: `schema-unknown`.
    """
    if name is not None:
        print_document(schema_of(name))
        return EXIT_DONE
    screen = Screen()
    for one in schema_names():
        screen.line(Text("{name}", name=one), "bold")
        screen.line(Text("{title}", title=_read(one)["title"]), indent=2)
    return EXIT_DONE


def schema_names() -> tuple[str, ...]:
    """The documents that have a schema: `doctor` is that of "sdsetup.doctor/1"."""
    found = (entry.name.removesuffix(".json") for entry in _FOLDER.iterdir() if entry.name.endswith(".json"))
    return tuple(sorted(name for name in found if name != _SHARED))


def schema_of(name: str) -> dict[str, Any]:
    """One schema (JSON Schema 2020-12), whole: the shared parts that it names are in its `$defs`.

    Raises:
        UsageError: `schema-unknown`.
    """
    if name not in schema_names():
        raise UsageError(
            Text("No schema named {name}", name=name),
            hint=Text("Use one of: {names}.", names=", ".join(schema_names())),
            code="schema-unknown",
        )
    schema, shared = _read(name), _read(_SHARED)["$defs"]
    needed = sorted(set(_named_in(schema, shared)))
    return {**schema, "$defs": {part: shared[part] for part in needed}} if needed else schema


def _named_in(schema: Any, shared: dict[str, Any]) -> Iterator[str]:
    """The shared parts that a schema names, and those that they name."""
    for part in _REFERENCE.findall(json.dumps(schema)):
        yield part
        yield from _named_in(shared[part], shared)


def _read(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return value
