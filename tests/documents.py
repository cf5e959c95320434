"""The documents that programs read: each that a test receives is held against its published schema."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from sdsetup.workflows.schema import schema_of


def document(text: str) -> dict[str, Any]:
    """The one document in what a command printed."""
    value: dict[str, Any] = json.loads(text)
    name, _, _version = value["schema"].removeprefix("sdsetup.").partition("/")
    validator(name).validate(value)
    return value


def events(text: str) -> list[dict[str, Any]]:
    """The lines of `install --json`."""
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for event in found:
        validator("event").validate(event)
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(name))
