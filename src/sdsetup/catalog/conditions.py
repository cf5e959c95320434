"""Conditions of rules: conjunctions of tests on one case's values, comparable with each other.

That two conditions can be compared is what lets a profile be refused when it is read: two rules that can
apply to the same machine must not contradict each other, and a rule that can never apply is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdsetup.catalog.reading import Reader
from sdsetup.values.versions import parse_version

Kind = Literal["one_of", "starts", "range", "flag", "any_of", "none_of", "known", "unknown"]

# What rules may ask about. An unknown value makes every test on it fail, except `unknown`.
TEXT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "vendor": ("nvidia", "amd", "intel", "apple", "other", "none"),
    "os": ("windows", "linux", "wsl", "macos"),
    "machine": ("x86_64", "arm64", "x86"),
    "device": ("cuda", "rocm", "ipex", "mps", "cpu", "none"),
    "model": ("sd15", "sdxl"),
    # How the driver stands to card and torch build: it runs it; it only runs an older build; it runs none; it no
    # longer knows the card; it is not there; the question is about a machine that is not this one.
    "driver": ("fine", "fallback", "too-old", "too-new", "missing", "assumed"),
    # Whether the card's generation is known; "unnamed" is a card of which only the memory was given.
    "generation": ("known", "unnamed", "unknown"),
    "architecture": (),
    "gfx": (),
    "torch": (),
    "tier": (),
}
NUMBER_FIELDS = ("vram", "ram", "pagefile", "cards", "index", "vram_over_ram")
VERSION_FIELDS = ("compute", "torch_version", "python")
FLAG_FIELDS = (
    "xformers",  # the chosen torch build has a paired xformers with code for the card
    "torch_is_default",
    "updatable",  # a driver as new as needed was made for the card
    "mig",
    "mig_id",  # the slice's own id is known
    "vram_assumed",
    "vram_sold",  # a size that the described card is sold with
    "gpu_groups",
    "nouveau",
    "python_fits",
)
SET_FIELDS = ("traits",)


@dataclass(frozen=True, kw_only=True)
class Test:
    """One question about one field. `low` is inclusive; `high` is inclusive only when `closed`."""

    field: str
    kind: Kind
    options: tuple[str, ...] = ()
    low: Any = None
    high: Any = None
    closed: bool = False
    wanted: bool = True

    def holds(self, values: Mapping[str, Any]) -> bool:
        value = values.get(self.field)
        if value is None:
            return self.kind == "unknown"
        match self.kind:
            case "one_of":
                return value in self.options
            case "starts":
                return str(value).startswith(self.options)
            case "range":
                return self._inside(value)
            case "flag":
                return bool(value) is self.wanted
            case "any_of":
                return not value.isdisjoint(self.options)
            case "none_of":
                return bool(value.isdisjoint(self.options))
            case "known":
                return True
            case "unknown":
                return False

    def _inside(self, value: Any) -> bool:
        if self.low is not None and value < self.low:
            return False
        return self.high is None or value < self.high or (self.closed and value == self.high)

    def excludes(self, other: Test) -> bool:
        """No value can pass both."""
        if self.field != other.field:
            return False
        if "unknown" in (self.kind, other.kind):
            return self.kind != other.kind
        pair = (self.kind, other.kind)
        if pair == ("one_of", "one_of"):
            return not set(self.options) & set(other.options)
        if pair == ("range", "range"):
            return self._ends_before(other) or other._ends_before(self)
        if pair == ("flag", "flag"):
            return self.wanted is not other.wanted
        if pair == ("any_of", "none_of"):
            return set(self.options) <= set(other.options)
        if pair == ("none_of", "any_of"):
            return set(other.options) <= set(self.options)
        return False

    def _ends_before(self, other: Test) -> bool:
        if self.high is None or other.low is None:
            return False
        return bool(self.high < other.low or (self.high == other.low and not self.closed))

    def follows_from(self, other: Test) -> bool:
        """Whatever passes `other` passes this one."""
        if self.field != other.field:
            return False
        if self.kind == "known":
            return other.kind != "unknown"
        if self.kind != other.kind:
            return False
        match self.kind:
            case "one_of" | "any_of":
                return set(other.options) <= set(self.options)
            case "none_of":
                return set(self.options) <= set(other.options)
            case "starts":
                return all(option.startswith(self.options) for option in other.options)
            case "flag":
                return self.wanted is other.wanted
            case "range":
                return self._contains(other)
            case _:
                return True

    def _contains(self, other: Test) -> bool:
        low = self.low is None or (other.low is not None and other.low >= self.low)
        if self.high is None:
            return low
        if other.high is None:
            return False
        below = other.high < self.high or (other.high == self.high and (self.closed or not other.closed))
        return bool(low and below)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """All tests hold. Without tests it always does."""

    tests: tuple[Test, ...] = ()

    def holds(self, values: Mapping[str, Any]) -> bool:
        return all(test.holds(values) for test in self.tests)

    def excludes(self, other: Condition) -> bool:
        return any(mine.excludes(theirs) for mine in self.tests for theirs in other.tests)

    def covers(self, other: Condition) -> bool:
        """Wherever `other` holds, this one holds too."""
        return all(any(mine.follows_from(theirs) for theirs in other.tests) for mine in self.tests)


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
