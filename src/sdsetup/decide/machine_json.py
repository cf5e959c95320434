"""Facts as a JSON value and back: what `doctor` and `tune` print as `machine`, and what `--facts` reads."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from sdsetup.decide.facts import Facts
from sdsetup.errors import SdsetupError
from sdsetup.text import Text


def machine_json(facts: Facts) -> dict[str, Any]:
    """Every fact under its own name; unknown is null, sizes are bytes, compute capability is "8.6"."""
    value: dict[str, Any] = _plain(facts)
    for gpu in value["gpus"]:
        both = gpu["compute_capability"]
        gpu["compute_capability"] = None if both is None else f"{both[0]}.{both[1]}"
    return value


def facts_from_json(document: Any) -> Facts:
    """Facts from a `machine` object, or from a document that holds one (of doctor, tune or report).

    A field of another kind than expected is unknown, a field that is not known is left out.

    Raises:
        SdsetupError: `facts-invalid`, when it is no such document at all.
    """
    value = document.get("machine", document) if isinstance(document, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(value.get("system"), Mapping):
        raise SdsetupError(
            Text("This is no description of a machine"),
            code="facts-invalid",
            hint=Text("Give a file that `sdsetup report` or `sdsetup doctor --json` wrote."),
        )
    found: Facts | None = _read(Facts, value)
    if found is None:
        raise SdsetupError(
            Text("The operating system is missing in this description of a machine"),
            code="facts-invalid",
            hint=Text("Give a file that `sdsetup report` or `sdsetup doctor --json` wrote."),
        )
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _read(kind: type[Any], value: Mapping[str, Any]) -> Any | None:
    """A dataclass from a mapping; None when a field without a default is missing."""
    hints = typing.get_type_hints(kind)
    found = {}
    for field in dataclasses.fields(kind):
        if field.name not in value:
            continue
        read = _value(hints[field.name], value[field.name])
        if read is not _WRONG:
            found[field.name] = read
    try:
        return kind(**found)
    except TypeError:
        return None


_WRONG: Any = object()


def _value(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _one_of(arguments, value)
    if origin is typing.Literal:
        return value if value in arguments else _WRONG
    if origin is tuple:
        return _items(arguments, value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        read = _read(hint, value) if isinstance(value, Mapping) else None
        return _WRONG if read is None else read
    if origin is not None and isinstance(value, Mapping):
        return dict(value)
    if hint is type(None):
        return None if value is None else _WRONG
    if hint is float and type(value) is int:
        return float(value)
    return value if isinstance(hint, type) and type(value) is hint else _WRONG


def _one_of(arguments: tuple[Any, ...], value: Any) -> Any:
    for argument in arguments:
        read = _value(argument, value)
        if read is not _WRONG:
            return read
    return _WRONG


def _items(arguments: tuple[Any, ...], value: Any) -> Any:
    """A tuple of one kind (wrong items are left out), or of a fixed number of values ("8.6" as well)."""
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        if not isinstance(value, list):
            return _WRONG
        read = [_value(arguments[0], item) for item in value]
        return tuple(item for item in read if item is not _WRONG)
    if isinstance(value, str):
        value = [int(part) for part in value.split(".") if part.isdigit()]
    if not isinstance(value, list) or len(value) != len(arguments):
        return _WRONG
    read = [_value(argument, item) for argument, item in zip(arguments, value, strict=True)]
    return _WRONG if _WRONG in read else tuple(read)
