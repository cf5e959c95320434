"""Memory, and the page file or swap behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sdsetup.probe.asked import Asked
from sdsetup.values.facts import Memory

if TYPE_CHECKING:
    from sdsetup.machine.answers import MemoryStatus

_MANAGEMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management"
_UNITS = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    if machine.family == "windows":
        status = machine.memory()
        if status is None:
            raise OSError("Windows did not report the memory size")
        setting = (machine.registry_values("HKLM", _MANAGEMENT) or {}).get("PagingFiles")
        return {"memory": of_windows(status, setting)}
    if machine.family == "macos":
        names = ["hw.memsize", "vm.swapusage"]
        return {"memory": parse_sysctl(machine.run(["sysctl", *names], timeout=3).out)}
    text = machine.read_text("/proc/meminfo")
    if text is None:
        raise OSError("/proc/meminfo can't be read")
    limit = machine.read_text("/sys/fs/cgroup/memory.max")
    return {"memory": parse_meminfo(text, limit)}


def of_windows(status: MemoryStatus, paging_files: object) -> Memory:
    """`paging_files` is the registry's setting, see `parse_paging_files`."""
    return Memory(
        total_bytes=status.total,
        available_bytes=status.available,
        # The commit limit is memory plus page files: what is above the memory is the page file as it is now.
        pagefile_bytes=max(status.commit_limit - status.total, 0),
        commit_limit_bytes=status.commit_limit,
        pagefile_managed=parse_paging_files(paging_files),
    )


def parse_paging_files(setting: object) -> bool | None:
    """Whether Windows chooses the size itself: the file is "?:\\\\pagefile.sys", or its sizes are "0 0".

    None when the setting cannot be read.
    """
    if isinstance(setting, str):
        setting = [setting]
    if not isinstance(setting, Sequence) or isinstance(setting, bytes):
        return None
    lines = [line for line in setting if isinstance(line, str) and line.strip()]
    for line in lines:
        sizes = re.findall(r"(?<=\s)\d+", line)
        if line.lstrip().startswith("?:") or sizes[-2:] == ["0", "0"]:
            return True
    return False


def parse_meminfo(text: str, cgroup_limit: str | None = None) -> Memory:
    """Linux' /proc/meminfo (kB are KiB), held down by a container's limit where there is one.

    Raises:
        ValueError: when not even the total is told.
    """
    values = {
        name: int(count) * 1024 for name, count in re.findall(r"^(\w+):\s+(\d{1,15}) kB", text, re.MULTILINE)
    }
    total = values.get("MemTotal")
    if not total:
        raise ValueError("no MemTotal in /proc/meminfo")
    available = values.get("MemAvailable", values.get("MemFree"))
    limit = (cgroup_limit or "").strip()
    if limit.isascii() and limit.isdigit() and 0 < int(limit) < total:
        total = int(limit)
        available = None if available is None else min(available, total)
    swap = values.get("SwapTotal")
    return Memory(
        total_bytes=total,
        available_bytes=available,
        pagefile_bytes=swap,
        commit_limit_bytes=None if swap is None else total + swap,
    )


def parse_sysctl(text: str) -> Memory:
    """macOS' `sysctl hw.memsize vm.swapusage`. Its swap grows by itself, so the size now is no limit."""
    total = re.search(r"^hw\.memsize:\s*(\d{1,18})\s*$", text, re.MULTILINE)
    swap = re.search(r"\btotal = (\d+(?:[.,]\d+)?)([BKMGT])", text)
    return Memory(
        total_bytes=int(total[1]) if total else None,
        pagefile_bytes=int(float(swap[1].replace(",", ".")) * _UNITS[swap[2]]) if swap else None,
        pagefile_managed=True,
    )
