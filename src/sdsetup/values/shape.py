"""What files of ours must look like: the declared shape of a JSON value, and where a value departs from it.

A shape is one of
    str, int, float, bool, dict, list   a value of that kind (an int is one of 64 bits; a float may be an int)
    None                                null
    (shape, shape)                      either
    [shape]                             a list of such values
    {"key": shape, "other?": shape}     an object with these keys ("?": it may be missing); more keys may be there
    {str: shape}                        an object with any keys
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """A kind of file that we write: its `schema` ("sdsetup.journal/1"; None: it has none) and its shape."""

    schema: str | None
    shape: Any


_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    dict: ((dict,), "an object"),
    list: ((list,), "a list"),
    None: ((type(None),), "null"),
}
_LARGEST = 2**63


def misfit(value: Any, shape: Any, place: str = "") -> str | None:
    """The first departure from the shape, as "steps.model.key: not text"; None when it fits."""
    if isinstance(shape, tuple):
        return None if any(misfit(value, one, place) is None for one in shape) else _not(place, "as expected")
    if isinstance(shape, list):
        if type(value) is not list:
            return _not(place, "a list")
        return _first(misfit(part, shape[0], f"{place}[{n}]") for n, part in enumerate(value))
    if isinstance(shape, Mapping):
        return _misfit_object(value, shape, place)
    kinds, words = _KINDS[shape]
    if type(value) not in kinds or (type(value) is int and abs(value) >= _LARGEST):
        return _not(place, words)
    return None


def _misfit_object(value: Any, shape: Mapping[Any, Any], place: str) -> str | None:
    if type(value) is not dict:
        return _not(place, "an object")
    if str in shape:
        return _first(misfit(part, shape[str], _below(place, key)) for key, part in value.items())
    for name, inner in shape.items():
        key = name.removesuffix("?")
        if key not in value:
            if not name.endswith("?"):
                return f"{_below(place, key)}: missing"
        elif wrong := misfit(value[key], inner, _below(place, key)):
            return wrong
    return None


def _first(found: Any) -> str | None:
    return next((wrong for wrong in found if wrong is not None), None)


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _not(place: str, words: str) -> str:
    return f"{place}: not {words}" if place else f"not {words}"
