"""Facts as JSON and back: `machine` in the documents of doctor, tune and report, and what `--facts` reads."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sdsetup.errors import SdsetupError
from sdsetup.text import Lines, Text
from sdsetup.values.facts import Facts, System

_DEEPEST = 12


def machine_json(facts: Facts) -> dict[str, Any]:
    """Every fact under its own name. Unknown is null, sizes are bytes, versions are text: "3.10.11", "8.6"."""
    value: dict[str, Any] = _plain(facts)
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        if value and all(type(part) is int for part in value):
            return ".".join(map(str, value))
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return value


def facts_from_json(value: Any) -> Facts:
    """The facts in a document: a report, the answer of `doctor --json`, or facts alone.

    What is not there is unknown; what nobody knows of is left out, so that a newer report can be read.

    Raises:
        SdsetupError: code `facts-invalid`, naming every value that cannot be meant.
    """
    inner = value
    for key in ("facts", "machine"):
        if isinstance(inner, dict) and isinstance(inner.get(key), dict):
            inner = inner[key]
    if not isinstance(inner, dict) or not isinstance(inner.get("system"), dict):
        raise _invalid(["expected an object with `system`"])
    problems: list[str] = []
    facts = _read(Facts, inner, "facts", problems)
    if problems:
        raise _invalid(problems)
    assert isinstance(facts, Facts)
    return facts


def _invalid(problems: list[str]) -> SdsetupError:
    return SdsetupError(
        Text("The file doesn't describe a PC:\n{lines}", lines=Lines(f"  {p}" for p in problems[:20])),
        code="facts-invalid",
        hint=Text("Use a file from `sdsetup report` or `sdsetup doctor --json`."),
    )


def _read(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    """A value of a type hint's kind, or None with a problem noted."""
    if path.count(".") + path.count("[") > _DEEPEST:
        problems.append(f"{path}: nested too deeply")
        return None
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _read(next(part for part in arguments if part is not type(None)), value, path, problems)
    if origin is Literal:
        return value if value in arguments else _problem(problems, path, f"one of {', '.join(arguments)}", value)
    if origin is tuple:
        return _read_tuple(arguments, value, path, problems)
    if origin is not None and issubclass(origin, Mapping):
        return _read_mapping(arguments[1], value, path, problems)
    if is_dataclass(kind):
        return _read_table(kind, value, path, problems)
    if kind is float and type(value) in (int, float):
        return float(value)
    names = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}
    return value if type(value) is kind else _problem(problems, path, names.get(kind, str(kind)), value)


def _read_table(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(value, dict):
        return _problem(problems, path, "an object", value)
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in value:
            found[field.name] = _read(hints[field.name], value[field.name], f"{path}.{field.name}", problems)
        elif field.default is MISSING and field.default_factory is MISSING:
            # A card without a name is a card; a system without a family is not a system.
            if kind is System or type(None) not in get_args(hints[field.name]):
                return _problem(problems, f"{path}.{field.name}", "a value", None)
            found[field.name] = None
    return kind(**found)


def _read_tuple(arguments: tuple[Any, ...], value: Any, path: str, problems: list[str]) -> Any:
    if int in arguments:
        parts = value.split(".") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(str(part).isascii() and str(part).isdigit() for part in parts):
            return _problem(problems, path, 'a version such as "3.10"', value)
        known = len(arguments) if Ellipsis not in arguments else len(parts)
        if len(parts) != known or not parts:
            return _problem(problems, path, f"{known} numbers", value)
        return tuple(int(str(part)[:9]) for part in parts)
    if not isinstance(value, list):
        return _problem(problems, path, "a list", value)
    if Ellipsis in arguments:
        return tuple(_read(arguments[0], part, f"{path}[{n}]", problems) for n, part in enumerate(value))
    if len(value) != len(arguments):
        return _problem(problems, path, f"{len(arguments)} values", value)
    return tuple(
        _read(kind, part, f"{path}[{n}]", problems)
        for n, (kind, part) in enumerate(zip(arguments, value, strict=True))
    )


def _read_mapping(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(value, dict):
        return _problem(problems, path, "an object", value)
    return {str(key): _read(kind, part, f"{path}.{key}", problems) for key, part in value.items()}


def _problem(problems: list[str], path: str, wanted: str, value: Any) -> None:
    problems.append(f"{path}: expected {wanted}, found {str(value)[:40]!r}")
