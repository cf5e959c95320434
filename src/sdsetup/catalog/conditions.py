"""Conditions of rules: conjunctions of tests on one case's values, comparable with each other.

That two conditions can be compared is what lets a profile be refused when it is read: two rules that can
apply to the same machine must not contradict each other, and a rule that can never apply is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

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
