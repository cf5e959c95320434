"""Linux' own list of PCI devices: display controllers are class 03xx, "3D controllers" (0302) among them."""

from __future__ import annotations

import re
from pathlib import Path

from sdsetup.machine import Machine
from sdsetup.probe.gpus.registry import is_integrated
from sdsetup.values.facts import Gpu, Vendor

_DEVICES = "/sys/bus/pci/devices"
_NODES = "/sys/class/kfd/kfd/topology/nodes"
_NAMES = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids")
_VENDORS: dict[int, Vendor] = {0x10DE: "nvidia", 0x1002: "amd", 0x8086: "intel"}
_SHORT = 200


def ask(machine: Machine) -> tuple[Gpu, ...]:
    found = []
    for place in machine.glob(_DEVICES, "*"):
        kind = parse_hex(machine.read_text(place / "class", _SHORT))
        if kind is None or kind >> 16 != 0x03:
            continue
        vendor, device = (parse_hex(machine.read_text(place / name, _SHORT)) for name in ("vendor", "device"))
        if vendor in _VENDORS and device is not None:
            found.append((place, vendor, device))
    if not found:
        return ()
    names = _names(machine)
    kinds = _gfx(machine)
    return tuple(_gpu(machine, place, vendor, device, names, kinds) for place, vendor, device in found)


def _gpu(
    machine: Machine, place: Path, vendor_id: int, device: int, names: str, kinds: dict[tuple[int, int], str]
) -> Gpu:
    vendor = _VENDORS[vendor_id]
    # The card's own memory as the AMD driver counts it. The size of a PCI window (BAR) says nothing.
    vram = parse_count(machine.read_text(place / "mem_info_vram_total", _SHORT))
    name = (machine.read_text(place / "product_name", _SHORT) or "").strip() or parse_pci_ids(
        names, vendor_id, device
    )
    on_board = place.name.startswith("0000:00:") if vendor == "intel" else None
    return Gpu(
        vendor=vendor,
        name=name,
        vram_bytes=vram,
        gfx=kinds.get(parse_address(place.name) or (-1, -1)),
        source="sysfs",
        pci_bus_id=place.name,
        pci_id=f"{device:04x}",
        integrated=on_board if on_board is not None else is_integrated(vendor, name, vram),
    )


def parse_hex(text: str | None) -> int | None:
    match = re.fullmatch(r"0x([0-9a-fA-F]{1,8})", (text or "").strip())
    return int(match[1], 16) if match else None


def parse_count(text: str | None) -> int | None:
    match = re.fullmatch(r"\d{1,18}", (text or "").strip())
    return int(match[0]) or None if match else None


def parse_address(name: str) -> tuple[int, int] | None:
    """ "0000:0c:00.0" as the kernel's topology numbers it: domain, and bus, device and function in one."""
    match = re.fullmatch(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", name)
    if match is None:
        return None
    domain, bus, slot, function = (int(part, 16) for part in match.groups())
    return domain, bus << 8 | slot << 3 | function


def parse_topology(text: str) -> tuple[tuple[int, int], str] | None:
    """One node of AMD's topology: where it is and its kind, 100300 being gfx1030. Processors have no kind."""
    values = {name: int(count) for name, count in re.findall(r"^(\w+) (\d{1,18})$", text, re.MULTILINE)}
    version = values.get("gfx_target_version", 0)
    if not version or "location_id" not in values:
        return None
    major, minor, step = version // 10000, version // 100 % 100, version % 100
    return (values.get("domain", 0), values["location_id"]), f"gfx{major}{minor:x}{step:x}"


def parse_pci_ids(text: str, vendor: int, device: int) -> str | None:
    """A device's name in the public list: "GA106 [GeForce RTX 3060 Lite Hash Rate]" gives what is in brackets."""
    start = re.search(rf"^{vendor:04x}  ", text, re.MULTILINE)
    if start is None:
        return None
    end = re.search(r"^[0-9a-f]{4}  ", text[start.end() :], re.MULTILINE)
    block = text[start.end() : start.end() + end.start()] if end else text[start.end() :]
    match = re.search(rf"^\t{device:04x}  (.+)$", block, re.MULTILINE)
    if match is None:
        return None
    bracket = re.search(r"\[(.+)\]\s*$", match[1])
    return bracket[1] if bracket else match[1].strip()


def _gfx(machine: Machine) -> dict[tuple[int, int], str]:
    told = (
        parse_topology(machine.read_text(node / "properties", 4000) or "") for node in machine.glob(_NODES, "*")
    )
    return dict(pair for pair in told if pair is not None)


def _names(machine: Machine) -> str:
    for place in _NAMES:
        if (text := machine.read_text(place, 4_000_000)) is not None:
            return text
    return ""
