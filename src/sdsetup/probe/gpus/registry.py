"""Windows' own list of display adapters, in the registry: there even when NVIDIA's tools are not.

Never `AdapterRAM` of WMI: it is 32 bits wide and stops at 4 GiB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sdsetup.machine import Machine
from sdsetup.values.facts import Gpu, Vendor

_CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
_LIVE = (
    "[Console]::OutputEncoding=[Text.Encoding]::UTF8;"
    "Get-CimInstance Win32_VideoController | Select-Object Name,DriverVersion,PNPDeviceID"
    " | ConvertTo-Json -Compress"
)
_VENDORS: dict[str, Vendor] = {"10DE": "nvidia", "1002": "amd", "1022": "amd", "8086": "intel"}
_LARGEST_SHARE = 2**31
_MEMORY = "HardwareInformation.qwMemorySize"


def ask(machine: Machine) -> tuple[Gpu, ...]:
    entries = [
        values
        for subkey in machine.registry_subkeys("HKLM", _CLASS)
        if re.fullmatch(r"\d{4}", subkey) and (values := machine.registry_values("HKLM", rf"{_CLASS}\{subkey}"))
    ]
    pci = [entry for entry in entries if device(str(entry.get("MatchingDeviceId", ""))) is not None]
    live = machine.windows().display_devices
    if live is None and len(pci) > 1:
        # Keys of removed cards stay behind; PowerShell takes a second to start, so only where it matters.
        live = parse_cim(_powershell(machine))
    return tuple(of_entry(entry) for entry in present(pci, live))


def present(entries: Iterable[Mapping[str, Any]], live: Collection[str] | None) -> list[Mapping[str, Any]]:
    """The entries whose device is there now. Without a list of live devices all of them, each device once."""
    kept: list[Mapping[str, Any]] = []
    left = None if not live else [device(name) for name in live]
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        mine = device(str(entry.get("MatchingDeviceId", "")))
        if mine is None:
            continue
        if left is not None:
            if mine not in left:
                continue
            left.remove(mine)  # two equal cards are two entries and two devices
        elif mine in seen:
            continue
        seen.add(mine)
        kept.append(entry)
    return kept


def of_entry(entry: Mapping[str, Any]) -> Gpu:
    vendor_id, number = device(str(entry.get("MatchingDeviceId", ""))) or ("", "")
    vendor = _VENDORS.get(vendor_id, "other")
    name, version = entry.get("DriverDesc"), entry.get("DriverVersion")
    vram = memory_size(entry.get(_MEMORY))
    name = " ".join(name.split()) or None if isinstance(name, str) else None
    version = version if isinstance(version, str) else None
    if vendor != "other" and str(entry.get("ProviderName", "")).startswith("Microsoft"):
        name = version = None  # Windows' basic driver: neither is the card's
    return Gpu(
        vendor=vendor,
        name=name,
        vram_bytes=vram,
        driver_version=nvidia_driver(version or "") if vendor == "nvidia" else version,
        source="registry",
        pci_id=number.lower() or None,
        integrated=is_integrated(vendor, name, vram),
    )


def device(text: str) -> tuple[str, str] | None:
    """Vendor and device number of a PnP id such as "PCI\\\\VEN_10DE&DEV_2504&SUBSYS_..."."""
    match = re.match(r"PCI\\VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", text.upper())
    return (match[1], match[2]) if match else None


def memory_size(value: object) -> int | None:
    """`qwMemorySize` is a number, or the same eight bytes as binary."""
    if isinstance(value, bytes):
        value = int.from_bytes(value[:8], "little")
    return value if isinstance(value, int) and 0 < value < 2**50 else None


def nvidia_driver(version: str) -> str | None:
    """NVIDIA's number from Windows' form: the last five digits of "31.0.15.5152" are 551.52."""
    if not re.fullmatch(r"\d{1,3}(\.\d{1,5}){3}", version):
        return None
    last = version.split(".")
    digits = last[2].zfill(2) + last[3].zfill(4)
    return f"{int(digits[-5:-2])}.{digits[-2:]}"


def is_integrated(vendor: Vendor, name: str | None, vram: int | None) -> bool | None:
    """Part of the CPU? Known for Intel and NVIDIA by name, for AMD where the memory or the name says so."""
    if vendor == "nvidia":
        return False
    said = (name or "").lower()
    if vendor == "intel":
        return re.search(r"\barc\b.*\b[ab]\d{3}", said) is None
    if vendor == "amd":
        if re.search(r"\bvega ([2-9]|1[01])\b", said):
            return True  # "RX Vega 11 Graphics" is a Ryzen's own, for all its RX
        own = re.search(r"\b(rx|pro|vii|wx|fury|r[579]|w\d{4})\b|\bvega (56|64)", said)
        if own is None and re.search(r"radeon(\(tm\))? (vega \d+ )?(\d{3}m )?graphics|\b\d{3}m\b", said):
            return True
        if own:
            return False
        # What a processor's graphics set aside for themselves is at most this.
        return True if vram is not None and vram <= _LARGEST_SHARE else None
    return None


def parse_cim(text: str) -> tuple[str, ...] | None:
    """Device ids of Get-CimInstance's JSON. One adapter comes as an object, several as a list."""
    try:
        value = json.loads(text.lstrip("\ufeff").strip() or "null")
    except (ValueError, RecursionError):
        return None
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list):
        return None
    ids = [row.get("PNPDeviceID") for row in rows if isinstance(row, dict)]
    return tuple(name for name in ids if isinstance(name, str)) or None


def _powershell(machine: Machine) -> str:
    program = machine.which("powershell") or r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
    ended = machine.run([program, "-NoProfile", "-NonInteractive", "-Command", _LIVE], timeout=6)
    return ended.out if ended.ok else ""
