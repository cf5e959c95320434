"""One machine with one card, as the values that rules ask about and sentences mention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from packaging.version import Version

from sdsetup.catalog.gpus import Architecture, Card, GpuTable
from sdsetup.catalog.torch import TorchBuilds
from sdsetup.catalog.tuning import WORDS, Profile, Rules
from sdsetup.decide.tuning.card_lookup import Identity, gfx_of, identify, memory_gib
from sdsetup.text import Number, Text, message, one_of, rounded
from sdsetup.values.facts import GIB, Facts, Gpu, System
from sdsetup.values.versions import parse_version

_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "i386": "x86", "i686": "x86"}

_UNKNOWN = message("unknown")


@dataclass(frozen=True, kw_only=True)
class RuleContext:
    """`values` answers conditions (field -> value, None unknown); `words` fills sentences in."""

    facts: Facts
    gpu: Gpu | None
    card: Card | None
    architecture: Architecture | None
    values: Mapping[str, Any]
    words: Mapping[str, Any]

    @property
    def pace(self) -> int:
        """How its generation compares with others in the machine; a broken chip counts as an old one."""
        pace = self.architecture.pace if self.architecture else 0
        return min(pace, 3) if self.values["traits"] & {"broken-fp16", "crippled-fp16"} else pace

    def extended(self, values: Mapping[str, Any], words: Mapping[str, Any] | None = None) -> RuleContext:
        return replace(self, values={**self.values, **values}, words={**self.words, **(words or {})})

    def fill(self, template: str) -> Text:
        """The template with the words it mentions, and only those."""
        used = {word: self.words.get(word, "?") for word in WORDS if "{" + word + "}" in template}
        return Text(template, **used)


def rule_context(facts: Facts, gpu: Gpu | None, rules: Rules, model_class: str) -> RuleContext:
    """What the rules see of one card, or of none, in this machine."""
    profile, gpus, builds = rules.profile, rules.gpus, rules.builds
    known = identify(gpus, gpu) if gpu is not None else Identity()
    card, compute, architecture = known.card, known.compute, known.architecture
    vram, assumed = _vram(gpu, card, facts, profile)
    system = facts.system
    ram = _gib(facts.memory.total_bytes)
    python = python_for(facts, builds)
    values: dict[str, Any] = {
        "vendor": gpu.vendor if gpu is not None else "none",
        "os": "wsl" if system.wsl else system.family,
        "machine": machine_of(facts),
        "model": model_class,
        "architecture": architecture.name if architecture else None,
        "gfx": known.gfx,
        "every_gfx": (known.gfx,) if known.gfx else gfx_of(gpus, architecture),
        "generation": _generation(gpu, known),
        "knows_newest": _knows_newest(gpu, system, gpus),
        "name": gpu.name if gpu else None,
        "compute": compute,
        "vram": vram,
        "vram_assumed": assumed if gpu is not None else None,
        "vram_sold": _sold(gpu, card),
        "ram": ram,
        "vram_over_ram": vram - ram if vram is not None and ram is not None else None,
        "pagefile": _gib(facts.memory.pagefile_bytes),
        "mig": gpu.mig if gpu else False,
        "mig_id": bool(gpu and gpu.uuid and gpu.uuid.startswith("MIG-")),
        "traits": _traits(gpu, known),
        "tier": _tier(vram, profile),
        "python": python,
        "python_fits": python_fits(facts, builds),
        "gpu_groups": None if system.groups is None else {"render", "video"} <= set(system.groups),
        "nouveau": system.nouveau,
    }
    words = {
        "card": short_name(gpu) if gpu is None or gpu.name or card is None else card.name,
        "vram": plain((memory_gib(gpus, gpu) if gpu is not None else None) or vram),
        "compute": ".".join(map(str, compute)) if compute else _UNKNOWN,
        "architecture": architecture.name if architecture else _UNKNOWN,
        "gfx": values["gfx"] or _UNKNOWN,
        "driver": (gpu.driver_version if gpu else None) or _UNKNOWN,
        "last_branch": str(architecture.last_branch) if architecture and architecture.last_branch else "",
        "ram": plain(ram),
        "pagefile": plain(values["pagefile"]),
        "python": str(python),
        "sizes": one_of([Text("{number} GB", number=Number(plain(size))) for size in card.vram_gib])
        if card
        else _UNKNOWN,
    }
    return RuleContext(facts=facts, gpu=gpu, card=card, architecture=architecture, values=values, words=words)


def short_name(gpu: Gpu | None) -> str:
    if gpu is None or not gpu.name:
        return message("this card")
    return gpu.name.removeprefix("NVIDIA ").removeprefix("AMD ").replace("(R)", "").replace("(TM)", "")


def plain(gib: float | None) -> str:
    """GiB as cards and memory are sold: 7.996 is "8"."""
    if gib is None:
        return _UNKNOWN
    return rounded(gib, 0 if abs(gib - round(gib)) < 0.15 else 1)


def machine_of(facts: Facts) -> str | None:
    arch = (facts.system.native_arch or facts.system.arch or "").lower()
    return _MACHINES.get(arch, arch) or None


def python_for(facts: Facts, builds: TorchBuilds) -> Version:
    """The Python that the environment has, or will be built with: one that does not fit is replaced."""
    there = _environment_python(facts)
    return there if there is not None and there in _allowed(facts, builds) else builds.python


def python_fits(facts: Facts, builds: TorchBuilds) -> bool | None:
    """Whether a 64-bit Python that fits is at hand; None when nobody looked."""
    there = _environment_python(facts)
    if there is not None:
        return there in _allowed(facts, builds)
    if not facts.pythons:
        return None
    return any(
        python.version is not None and _minor(python.version) == builds.python and python.bits in (64, None)
        for python in facts.pythons
    )


def _environment_python(facts: Facts) -> Version | None:
    there = facts.installation.environment_python if facts.installation else None
    return _minor(there) if there else None


def _minor(version: tuple[int, ...]) -> Version:
    return Version(".".join(map(str, version[:2])))


def _allowed(facts: Facts, builds: TorchBuilds) -> tuple[Version, ...]:
    return (builds.python, *builds.tolerated.get("wsl" if facts.system.wsl else facts.system.family, ()))


def _vram(gpu: Gpu | None, card: Card | None, facts: Facts, profile: Profile) -> tuple[float | None, bool]:
    """The card's memory in GiB, and whether it is only assumed: the smallest size of its name."""
    if gpu is None:
        return None, False
    if gpu.vram_bytes:
        return gpu.vram_bytes / GIB, False
    if gpu.vendor == "apple" and facts.memory.total_bytes:
        return facts.memory.total_bytes / GIB, False
    if card is not None and card.vram_gib:
        return card.vram_gib[0], len(card.vram_gib) > 1
    return profile.assume_vram_gib, True


def _sold(gpu: Gpu | None, card: Card | None) -> bool | None:
    """Whether a described card exists with that memory; what a driver reports is never doubted."""
    if gpu is None or gpu.source != "what-if" or not gpu.vram_bytes or card is None or not card.vram_gib:
        return None
    return any(abs(gpu.vram_bytes / GIB - size) <= 0.1 * size for size in card.vram_gib)


def _traits(gpu: Gpu | None, known: Identity) -> frozenset[str]:
    """The table's word on whether it is part of the CPU; the probe's where the card has no entry."""
    if gpu is None or known.card is not None or "integrated" in known.traits or not gpu.integrated:
        return known.traits
    return known.traits | {"integrated"}


def _generation(gpu: Gpu | None, known: Identity) -> str | None:
    """Whether the generation is known; of an NVIDIA card it is its compute capability that counts."""
    if gpu is None:
        return None
    if known.compute is not None or (known.architecture is not None and gpu.vendor != "nvidia"):
        return "known"
    return "unknown" if gpu.name or gpu.pci_id or gpu.source in ("sysfs", "registry") else "unnamed"


def _knows_newest(gpu: Gpu | None, system: System, gpus: GpuTable) -> bool:
    """The driver is as new as the newest generation, so a card that nobody knows may be of that or a newer one."""
    version = parse_version(gpu.driver_version) if gpu else None
    column = "windows" if system.wsl else system.family
    first = [one.first_driver[column] for one in gpus.architectures.values() if column in one.first_driver]
    return version is None or all(version >= oldest for oldest in first)


def _tier(vram: float | None, profile: Profile) -> str | None:
    if vram is None:
        return None
    reached = [tier.name for tier in profile.tiers if vram >= tier.from_gib]
    return reached[-1] if reached else None


def _gib(count: int | None) -> float | None:
    return None if count is None else count / GIB
