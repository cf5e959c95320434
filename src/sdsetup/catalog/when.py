"""A rule's `when` table as a condition."""

from __future__ import annotations

from typing import Any

from sdsetup.catalog.conditions import (
    FLAG_FIELDS,
    NUMBER_FIELDS,
    SET_FIELDS,
    TEXT_FIELDS,
    VERSION_FIELDS,
    Condition,
    Test,
)
from sdsetup.catalog.reading import Reader
from sdsetup.values.versions import parse_version


def read_condition(reader: Reader) -> Condition:
    """One `when` table; what is wrong with it goes to the reader's problems."""
    tests: list[Test] = []
    for key in reader:
        if key in ("known", "unknown"):
            tests += [_presence(reader, key, field) for field in reader.texts(key)]
        elif key in TEXT_FIELDS:
            tests.append(Test(field=key, kind="one_of", options=_choices(reader, key)))
        elif key == "name_starts":
            tests.append(Test(field="name", kind="starts", options=_one_or_more(reader, key)))
        elif key in SET_FIELDS:
            tests.append(Test(field=key, kind="any_of", options=_one_or_more(reader, key)))
        elif key.removeprefix("no_") in SET_FIELDS:
            tests.append(Test(field=key.removeprefix("no_"), kind="none_of", options=_one_or_more(reader, key)))
        elif key in NUMBER_FIELDS or key in VERSION_FIELDS:
            tests.append(_range(reader.table(key), key))
        elif key in FLAG_FIELDS:
            tests.append(Test(field=key, kind="flag", wanted=reader.boolean(key)))
    reader.no_other_keys()
    return Condition(tests=tuple(tests))


def _presence(reader: Reader, key: str, field: str) -> Test:
    if field not in (*TEXT_FIELDS, *NUMBER_FIELDS, *VERSION_FIELDS, *FLAG_FIELDS, "name"):
        reader.problem(key, f"{field!r} is not a fact that rules can use")
    return Test(field=field, kind="known" if key == "known" else "unknown")


def _choices(reader: Reader, key: str) -> tuple[str, ...]:
    values = _one_or_more(reader, key)
    for value in values:
        if TEXT_FIELDS[key] and value not in TEXT_FIELDS[key]:
            reader.problem(key, f"{value!r} is not one of {', '.join(TEXT_FIELDS[key])}")
    return values


def _one_or_more(reader: Reader, key: str) -> tuple[str, ...]:
    return (reader.text(key),) if isinstance(reader.value(key), str) else reader.texts(key)


def _range(reader: Reader, field: str) -> Test:
    """`{ from = 7.2, below = 11.4 }`, or `to` for an upper end that still belongs; versions as texts."""
    ends: dict[str, Any] = {}
    for key in ("from", "to", "below"):
        if not reader.has(key):
            continue
        if field in VERSION_FIELDS:
            version = parse_version(reader.text(key))
            # A card's compute capability is a pair of numbers, as the card itself tells it.
            ends[key] = version.release if version is not None and field == "compute" else version
            if version is None:
                reader.problem(key, 'is not a version (write it as text: "7.5")')
        else:
            ends[key] = reader.number(key)
    reader.no_other_keys()
    if not ends:
        reader.problem("from", "a range needs from, to or below")
    if "to" in ends and "below" in ends:
        reader.problem("to", "give either to or below")
    high = ends.get("to", ends.get("below"))
    low = ends.get("from")
    if low is not None and high is not None and high < low:
        reader.problem("from", "the range is empty")
    return Test(field=field, kind="range", low=low, high=high, closed="to" in ends)
