"""The processor: its name, and how many cores it has."""

from __future__ import annotations

import re
from typing import Any

from sdsetup.probe.asked import Asked
from sdsetup.values.facts import Cpu

_REGISTRY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    physical, logical = machine.cores()
    if machine.family == "linux":
        told = parse_cpuinfo(machine.read_text("/proc/cpuinfo") or "")
        return {"cpu": Cpu(name=told.name, physical=told.physical, logical=logical or told.logical)}
    if machine.family == "macos":
        keys = ["machdep.cpu.brand_string", "hw.physicalcpu", "hw.logicalcpu"]
        told = parse_sysctl(machine.run(["sysctl", *keys], timeout=3).out)
        return {"cpu": Cpu(name=told.name, physical=told.physical, logical=told.logical or logical)}
    values = machine.registry_values("HKLM", _REGISTRY) or {}
    name = values.get("ProcessorNameString")
    return {"cpu": Cpu(name=_tidy(name) if isinstance(name, str) else None, physical=physical, logical=logical)}


def parse_cpuinfo(text: str) -> Cpu:
    """Linux' /proc/cpuinfo. Without core numbers (ARM, some containers) the physical count is unknown."""
    name, logical = None, 0
    cores: set[tuple[str, str]] = set()
    package = "0"
    for line in text.splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            continue
        if key == "processor":
            logical, package = logical + 1, "0"
        elif key == "model name" and name is None:
            name = _tidy(value)
        elif key == "physical id":
            package = value
        elif key == "core id":
            cores.add((package, value))
    return Cpu(name=name, physical=len(cores) or None, logical=logical or None)


def parse_sysctl(text: str) -> Cpu:
    """Lines of macOS' `sysctl NAME...`: "hw.physicalcpu: 8"."""
    values = {
        key.strip(): value.strip()
        for key, colon, value in (line.partition(":") for line in text.splitlines())
        if colon
    }
    return Cpu(
        name=_tidy(values.get("machdep.cpu.brand_string", "")),
        physical=_count(values.get("hw.physicalcpu")),
        logical=_count(values.get("hw.logicalcpu")),
    )


def _tidy(name: str) -> str | None:
    name = re.sub(r"\((R|TM|tm|r)\)", "", name)
    name = re.sub(r"\b(CPU|Processor)\b|@.*", "", name)
    return " ".join(name.split()) or None


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and int(text[:6]) > 0 else None
