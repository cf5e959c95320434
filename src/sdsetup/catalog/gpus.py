"""`gpus.toml`: what a card's name tells about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    "split-memory",
    "several-per-board",
    "integrated",
    "unified-memory",
    "laptop",
    "mining",
    "arm",
)


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
    first_driver: Mapping[str, Version]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One name a card is sold under. `vram_gib`: the sizes it exists with, smallest first; empty for
    processors that borrow the system's memory."""

    name: str
    architecture: Architecture
    compute: tuple[int, int] | None
    gfx: str | None
    vram_gib: tuple[float, ...]
    year: int
    chip: str | None
    traits: frozenset[str]

    @property
    def vendor(self) -> Vendor:
        return self.architecture.vendor


@dataclass(frozen=True, kw_only=True)
class GpuTable:
    architectures: Mapping[str, Architecture]
    cards: tuple[Card, ...]


def parse_gpus(raw: Mapping[str, Any], path: str = "gpus.toml") -> GpuTable:
    """The typed table of `gpus.toml`.

    Raises:
        ProfileError: naming every problem in the file.
    """
    reader = Reader(raw, path)
    listed = reader.table("architectures")
    architectures = {name: _architecture(name, listed.table(name)) for name in listed}
    cards = reader.table("cards")
    parsed = [_card(name, cards.table(name), architectures) for name in cards]
    reader.no_other_keys()
    reader.finish()
    return GpuTable(architectures=architectures, cards=tuple(card for card in parsed if card is not None))


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


def _card(name: str, reader: Reader, architectures: Mapping[str, Architecture]) -> Card | None:
    family = reader.choice("architecture", tuple(architectures))
    compute = reader.number("compute", None)
    sizes = reader.numbers("vram")
    traits = reader.texts("traits", ())
    for trait in traits:
        if trait not in TRAITS:
            reader.problem("traits", f"{trait!r} is not one of {', '.join(TRAITS)}")
    if list(sizes) != sorted(sizes) or any(size <= 0 for size in sizes):
        reader.problem("vram", "sizes must be positive and stand in order")
    card = {
        "gfx": reader.text("gfx", None),
        "year": reader.integer("year"),
        "chip": reader.text("chip", None),
    }
    reader.no_other_keys()
    if family not in architectures:
        return None
    return Card(
        name=name,
        architecture=architectures[family],
        compute=capability(compute),
        vram_gib=tuple(float(size) for size in sizes),
        traits=frozenset(traits),
        **card,
    )


def capability(number: float | None) -> tuple[int, int] | None:
    """8.6 as (8, 6): profiles write compute capabilities as people do."""
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
