"""`gpus.toml`: what a card's name tells about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from packaging.version import Version

from sdsetup.catalog.reading import Reader
from sdsetup.values.facts import Vendor
from sdsetup.values.versions import parse_version

VENDORS = ("nvidia", "amd", "intel", "apple", "other")
TRAITS = (
    "broken-fp16",
    "slow-fp16",
    "crippled-fp16",
    "slow-fp32",
    "split-memory",
    "several-per-board",
    "integrated",
    "unified-memory",
    "laptop",
    "mining",
    "arm",
)
_DEVICE_ID = re.compile(r"[0-9a-f]{4}")  # of PCI


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A generation of cards. `last_branch`: the last driver branch made for it, None while it gets new ones;
    `first_driver`: the oldest driver that knows it, by system ("windows", "linux"); `pace`: how generations
    compare when a machine has several cards, greater is better."""

    name: str
    vendor: Vendor
    source: str
    pace: int
    last_branch: int | None = None
    first_driver: Mapping[str, Version] = field(hash=False)


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One kind of graphics processor. `ids`: PCI device numbers of boards with it that have no entry of their own,
    lower-case hexadecimal ("1f82")."""

    name: str
    architecture: Architecture
    compute: tuple[int, int] | None
    gfx: str | None
    traits: frozenset[str]
    ids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One name a card is sold under. `vram_gib`: the sizes it exists with, smallest first; empty for
    processors that borrow the system's memory. `also`: other names it goes by; `ids`: its PCI device numbers."""

    name: str
    architecture: Architecture
    compute: tuple[int, int] | None
    gfx: str | None
    vram_gib: tuple[float, ...]
    year: int
    chip: str | None
    traits: frozenset[str]
    also: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()

    @property
    def vendor(self) -> Vendor:
        return self.architecture.vendor


@dataclass(frozen=True, kw_only=True)
class Series:
    """What the name of a card without an entry still tells: "RTX 50.." is Blackwell, whichever it is."""

    vendor: Vendor
    pattern: re.Pattern[str]
    architecture: Architecture | None
    compute: tuple[int, int] | None
    gfx: str | None
    traits: frozenset[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class GpuTable:
    """Compared and hashed as one thing: it is read once a run and never changed."""

    architectures: Mapping[str, Architecture]
    cards: tuple[Card, ...]
    chips: tuple[Chip, ...] = ()
    series: tuple[Series, ...] = ()

    @cached_property
    def cards_by_id(self) -> Mapping[tuple[Vendor, str], tuple[Card, ...]]:
        """The cards that a device can be: makers give one number to several names."""
        found: dict[tuple[Vendor, str], tuple[Card, ...]] = {}
        for card in self.cards:
            for number in card.ids:
                found[card.vendor, number] = (*found.get((card.vendor, number), ()), card)
        return found

    @cached_property
    def chips_by_id(self) -> Mapping[tuple[Vendor, str], Chip]:
        return {(chip.architecture.vendor, number): chip for chip in self.chips for number in chip.ids}

    def series_of(self, vendor: Vendor, name: str | None) -> Series | None:
        return next((one for one in self.series if one.vendor == vendor and one.pattern.search(name or "")), None)


def parse_gpus(raw: Mapping[str, Any], path: str = "gpus.toml") -> GpuTable:
    """The typed table of `gpus.toml`.

    Raises:
        ProfileError: naming every problem in the file.
    """
    reader = Reader(raw, path)
    listed = reader.table("architectures")
    architectures = {name: _architecture(name, listed.table(name)) for name in listed}
    chips: list[Chip] = []
    cards: list[Card] = []
    for name in (table := reader.table("chips")):
        _read_chip(name, table.table(name), architectures, chips, cards)
    series = [_series(row, architectures) for row in reader.tables("series", ())]
    reader.no_other_keys()
    reader.finish()
    return GpuTable(
        architectures=architectures,
        cards=tuple(cards),
        chips=tuple(chips),
        series=tuple(one for one in series if one is not None),
    )


def _architecture(name: str, reader: Reader) -> Architecture:
    driver = reader.table("first_driver", {})
    parsed = Architecture(
        name=name,
        vendor=cast(Vendor, reader.choice("vendor", VENDORS)),
        source=reader.text("source"),
        pace=reader.integer("pace"),
        last_branch=reader.integer("last_branch", None),
        first_driver=drivers(driver),
    )
    reader.no_other_keys()
    return parsed


def _read_chip(
    name: str, reader: Reader, architectures: Mapping[str, Architecture], chips: list[Chip], cards: list[Card]
) -> None:
    """A chip and its cards, which have from it what they do not say themselves."""
    family = reader.choice("architecture", tuple(architectures))
    compute = capability(reader.number("compute", None))
    gfx = reader.text("gfx", None)
    traits = _traits(reader)
    ids = _ids(reader)
    table = reader.table("cards", {})
    rows = {card: table.table(card) for card in table}
    parsed = {card: _row(row) for card, row in rows.items()}
    reader.no_other_keys()
    if family not in architectures:
        return
    chip = Chip(name=name, architecture=architectures[family], compute=compute, gfx=gfx, traits=traits, ids=ids)
    chips.append(chip)
    for card, values in parsed.items():
        values["traits"] = values["traits"] | traits
        cards.append(
            Card(name=card, architecture=chip.architecture, compute=compute, gfx=gfx, chip=name, **values)
        )


def _row(reader: Reader) -> dict[str, Any]:
    sizes = reader.numbers("vram", ())
    if list(sizes) != sorted(sizes) or any(size <= 0 for size in sizes):
        reader.problem("vram", "sizes must be positive and in order")
    row = {
        "vram_gib": tuple(float(size) for size in sizes),
        "year": reader.integer("year"),
        "traits": _traits(reader),
        "also": reader.texts("also", ()),
        "ids": _ids(reader),
    }
    reader.no_other_keys()
    return row


def _series(reader: Reader, architectures: Mapping[str, Architecture]) -> Series | None:
    vendor = cast(Vendor, reader.choice("vendor", VENDORS))
    family = reader.text("architecture", None)
    if family is not None and family not in architectures:
        reader.problem("architecture", f"{family!r} is not an architecture of this file")
        return None
    try:
        pattern = re.compile(reader.text("pattern"), re.IGNORECASE)
    except re.error as error:
        reader.problem("pattern", f"is not a pattern: {error}")
        return None
    parsed = Series(
        vendor=vendor,
        pattern=pattern,
        architecture=architectures[family] if family else None,
        compute=capability(reader.number("compute", None)),
        gfx=reader.text("gfx", None),
        traits=_traits(reader),
    )
    reader.no_other_keys()
    return parsed


def _traits(reader: Reader) -> frozenset[str]:
    traits = reader.texts("traits", ())
    for trait in traits:
        if trait not in TRAITS:
            reader.problem("traits", f"{trait!r} is not one of {', '.join(TRAITS)}")
    return frozenset(traits)


def _ids(reader: Reader) -> frozenset[str]:
    """Device numbers, written in one text with blanks between them."""
    numbers = reader.text("ids", "").split()
    for number in numbers:
        if not _DEVICE_ID.fullmatch(number):
            reader.problem("ids", f"{number!r} is not a device number such as 1f82")
    return frozenset(numbers)


def capability(number: float | None) -> tuple[int, int] | None:
    """8.6 as (8, 6): profiles write compute capabilities as users do."""
    if number is None:
        return None
    tenths = round(number * 10)
    return tenths // 10, tenths % 10


def drivers(reader: Reader) -> dict[str, Version]:
    """The oldest driver that will do, by system; what is wrong goes to the reader's problems."""
    found = {}
    for system in reader:
        version = parse_version(reader.text(system))
        if version is None:
            reader.problem(system, "is not a driver version")
        else:
            found[system] = version
    return found
