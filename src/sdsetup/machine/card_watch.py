"""A graphics card while something runs on it: NVIDIA's library, AMD's driver on Linux, Windows' counters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from sdsetup.machine.answers import CardProgram, CardUse

if TYPE_CHECKING:
    from sdsetup.values.facts import Gpu

_PCI = Path("/sys/bus/pci/devices")


class CardWatch:
    """Asks about one card for as long as it is open; what cannot be asked is None.

        with CardWatch(gpu) as watch:
            watch.use(pid), watch.programs()

    `shared`: Windows lets a card that is full go on in main memory, many times slower; what the tree
    of programs under `pid` has there. `pci`: where Linux lists devices.
    """

    def __init__(self, gpu: Gpu | None, *, pci: Path = _PCI) -> None:
        self._total = gpu.vram_bytes if gpu else None
        self._nvidia = _open_card(gpu) if gpu and gpu.vendor == "nvidia" else None
        self._device = pci / gpu.pci_bus_id if gpu and gpu.vendor == "amd" and gpu.pci_bus_id else None
        self._asks = gpu is not None

    def __enter__(self) -> CardWatch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._nvidia is not None:
            self._nvidia.close()
            self._nvidia = None

    def use(self, pid: int | None = None) -> CardUse:
        """What is taken now; `shared` of the programs under `pid`."""
        shared = self._shared(pid) if pid is not None and self._asks else None
        memory = self._nvidia.memory() if self._nvidia is not None else self._amd()
        used, total = memory or (None, self._total)
        return CardUse(used=used, total=total, shared=shared)

    def programs(self) -> tuple[CardProgram, ...] | None:
        """Who holds memory of the card, the largest first; None where nobody tells."""
        listed = self._nvidia.programs() if self._nvidia is not None else None
        if sys.platform == "win32" and self._asks:
            listed = _with_windows(listed)
        return None if listed is None else tuple(_named(one) for one in listed)

    def _amd(self) -> tuple[int, int] | None:
        if self._device is None:
            return None
        try:
            used, total = (
                int((self._device / f"mem_info_vram_{name}").read_text(encoding="ascii"))
                for name in ("used", "total")
            )
        except (OSError, ValueError):
            return None
        return used, total

    def _shared(self, pid: int) -> int | None:
        if sys.platform == "win32":
            from sdsetup.machine.windows_gpu import SHARED, usage

            found = usage(SHARED)
            return None if found is None else sum(found.get(one, 0) for one in _tree(pid))
        return None


def _with_windows(listed: tuple[CardProgram, ...] | None) -> tuple[CardProgram, ...] | None:
    """Sizes by Windows' count: there the card's own library lists programs, but not what they take."""
    counted = None
    if sys.platform == "win32":
        from sdsetup.machine.windows_gpu import DEDICATED, usage

        counted = usage(DEDICATED)
    if counted is None:
        return listed
    names = {one.pid: one.name for one in listed or ()}
    return tuple(
        CardProgram(pid=pid, name=names.get(pid), bytes=count)
        for pid, count in sorted(counted.items(), key=lambda pair: -pair[1])
        if count
    )


def _named(one: CardProgram) -> CardProgram:
    """With the program's short name: what the library calls it may be a whole command line, or nothing."""
    try:
        name: str | None = psutil.Process(one.pid).name()
    except psutil.Error:
        name = one.name.split()[0].replace("\\", "/").rsplit("/", 1)[-1] if one.name else None
    return CardProgram(pid=one.pid, name=name, bytes=one.bytes)


def _tree(pid: int) -> set[int]:
    try:
        return {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    except psutil.Error:
        return {pid}


def _open_card(gpu: Gpu) -> Any:
    """NVML's view of the card. Its binding is imported only where there is such a card."""
    from sdsetup.machine.nvml import open_card

    return open_card(gpu.uuid, gpu.index)
