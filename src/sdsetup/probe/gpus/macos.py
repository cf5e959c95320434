"""A Mac's graphics: Apple's chips share the memory, Intel Macs may have an AMD card."""

from __future__ import annotations

import json
import re
from typing import Any

from sdsetup.machine import Machine
from sdsetup.values.facts import Gpu, Vendor

_VENDORS: tuple[tuple[str, Vendor], ...] = (
    (r"\bapple\b", "apple"),
    (r"\bamd\b|\bati\b|1002|radeon", "amd"),
    (r"nvidia|geforce", "nvidia"),
    (r"intel", "intel"),
)
_UNITS = {"MB": 2**20, "GB": 2**30}


def ask(machine: Machine) -> tuple[Gpu, ...]:
    ended = machine.run(["system_profiler", "-json", "SPDisplaysDataType"], timeout=12)
    if ended.problem == "timeout":
        raise TimeoutError("system_profiler did not end within 12 s")
    return parse_profiler(ended.out)


def parse_profiler(text: str) -> tuple[Gpu, ...]:
    """`system_profiler -json SPDisplaysDataType`. Apple's own chips have no memory of their own: None."""
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return ()
    rows = value.get("SPDisplaysDataType") if isinstance(value, dict) else None
    return tuple(_gpu(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _gpu(row: dict[str, Any]) -> Gpu:
    said = f"{row.get('spdisplays_vendor', '')} {row.get('sppci_model', '')}".lower().replace("sppci_vendor_", "")
    vendor: Vendor = next((vendor for words, vendor in _VENDORS if re.search(words, said)), "other")
    name = row.get("sppci_model") or row.get("_name")
    size = re.match(r"(\d{1,6}) (MB|GB)$", str(row.get("spdisplays_vram") or ""))
    return Gpu(
        vendor=vendor,
        name=name if isinstance(name, str) else None,
        vram_bytes=int(size[1]) * _UNITS[size[2]] if size else None,
        source="system-profiler",
        integrated=vendor in ("apple", "intel"),
    )
