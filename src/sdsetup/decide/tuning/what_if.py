"""A machine that is not this one: facts as the what-if options suppose them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sdsetup.catalog.gpus import Card
from sdsetup.values.facts import GIB, Facts, Family, Gpu, Memory, System

OsName = Literal["windows", "linux", "macos", "wsl"]


@dataclass(frozen=True, kw_only=True)
class SupposedCard:
    """A card by name, by memory, or both. Neither name: an NVIDIA card of unknown generation."""

    card: Card | None = None
    vram_gib: float | None = None


@dataclass(frozen=True, kw_only=True)
class DescribedMachine:
    """What was supposed; None leaves this machine's own answer."""

    cards: tuple[SupposedCard, ...] = ()
    os: OsName | None = None
    ram_gib: float | None = None
    driver: str | None = None

    @property
    def elsewhere(self) -> bool:
        """The question is about another machine, or about this one with another card."""
        return bool(self.cards or self.os or self.ram_gib or self.driver)


def describe(facts: Facts, what_if: DescribedMachine) -> Facts:
    """This machine's facts with the suppositions in place of its own."""
    system = _system(facts.system, what_if)
    same_os = _os(system) == _os(facts.system)
    gpus = _gpus(facts, what_if)
    if not same_os:
        facts = Facts(system=system)
    if what_if.cards:
        facts = replace(facts, pythons=(), installation=None)
    memory = facts.memory
    if what_if.ram_gib is not None:
        memory = Memory(total_bytes=round(what_if.ram_gib * GIB))
    return replace(facts, system=system, gpus=gpus, memory=memory)


def pair(cards: Sequence[Card], sizes: Sequence[float | None]) -> tuple[SupposedCard, ...]:
    """Names and sizes in index order; what is left over on one side stands alone."""
    count = max(len(cards), len(sizes))
    return tuple(
        SupposedCard(
            card=cards[n] if n < len(cards) else None,
            vram_gib=sizes[n] if n < len(sizes) else None,
        )
        for n in range(count)
    )


def _os(system: System) -> str:
    return "wsl" if system.wsl else system.family


def _system(system: System, what_if: DescribedMachine) -> System:
    vendors = {supposed.card.vendor for supposed in what_if.cards if supposed.card is not None}
    wanted = what_if.os
    if wanted is None and vendors == {"apple"}:
        wanted = "macos"
    if wanted is None and what_if.cards and system.family == "macos" and "apple" not in vendors:
        wanted = "windows"  # cards are bought for PCs
    if wanted is None or wanted == _os(system):
        if not what_if.cards or system.family == "macos":
            return system
        return replace(system, arch="x86_64", native_arch=None, nouveau=None)
    family: Family = "linux" if wanted == "wsl" else wanted
    return System(family=family, wsl=wanted == "wsl", arch="arm64" if vendors == {"apple"} else "x86_64")


def _gpus(facts: Facts, what_if: DescribedMachine) -> tuple[Gpu, ...]:
    if not what_if.cards:
        if what_if.driver is None:
            return facts.gpus
        return tuple(
            replace(gpu, driver_version=what_if.driver) if gpu.vendor == "nvidia" else gpu for gpu in facts.gpus
        )
    if len(what_if.cards) == 1 and what_if.cards[0].card is None and (own := _only_card(facts)) is not None:
        return (_with_memory(own, what_if),)
    return tuple(_gpu(supposed, index, what_if.driver) for index, supposed in enumerate(what_if.cards))


def _only_card(facts: Facts) -> Gpu | None:
    """This machine's one NVIDIA card, which a bare --vram is about."""
    own = [gpu for gpu in facts.gpus if gpu.vendor == "nvidia"]
    return own[0] if len(own) == 1 else None


def _with_memory(gpu: Gpu, what_if: DescribedMachine) -> Gpu:
    size = what_if.cards[0].vram_gib
    return replace(
        gpu,
        vram_bytes=gpu.vram_bytes if size is None else round(size * GIB),
        driver_version=what_if.driver or gpu.driver_version,
        source="what-if",
    )


def _gpu(supposed: SupposedCard, index: int, driver: str | None) -> Gpu:
    card, size = supposed.card, supposed.vram_gib
    vendor = card.vendor if card is not None else "nvidia"
    if size is None and card is not None and len(card.vram_gib) == 1:
        size = card.vram_gib[0]
    return Gpu(
        vendor=vendor,
        name=_reported(card) if card is not None else None,
        vram_bytes=None if size is None else round(size * GIB),
        compute_capability=card.compute if card is not None else None,
        gfx=card.gfx if card is not None else None,
        driver_version=driver if vendor == "nvidia" else None,
        source="what-if",
        index=index if vendor == "nvidia" else None,
        integrated="integrated" in card.traits if card is not None else None,
    )


def _reported(card: Card) -> str:
    """The name as today's driver reports it."""
    prefix = {"nvidia": "NVIDIA ", "amd": "AMD ", "intel": "Intel "}.get(card.vendor, "")
    return prefix + card.name
