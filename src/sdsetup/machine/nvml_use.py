"""One NVIDIA card while something runs on it: how much of it is taken, and by whom. The library stays open."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

from sdsetup.machine.answers_nvml import CardProgram
from sdsetup.machine.nvml import Memory, call, first_instance, load, own_places

_NOT_TOLD = 2**64 - 1  # NVML_VALUE_NOT_AVAILABLE: under WDDM, Windows' own driver model
_TOO_SMALL = 7  # NVML_ERROR_INSUFFICIENT_SIZE
_LONGEST_NAME = 1024


class _Process(ctypes.Structure):
    _fields_ = (
        ("pid", ctypes.c_uint),
        ("bytes", ctypes.c_ulonglong),
        ("instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


class _OldProcess(ctypes.Structure):  # before driver 450
    _fields_ = (("pid", ctypes.c_uint), ("bytes", ctypes.c_ulonglong))


class NvmlCard:
    """Made by `open_card`; `close` lets the library go."""

    def __init__(self, library: Any, handle: ctypes.c_void_p) -> None:
        self._library = library
        self._handle = handle
        mig, pending = ctypes.c_uint(), ctypes.c_uint()
        sliced = call(library, "nvmlDeviceGetMigMode", handle, ctypes.byref(mig), ctypes.byref(pending))
        self._memory_of = (first_instance(library, handle) if sliced and mig.value else None) or handle

    def memory(self) -> tuple[int, int] | None:
        """Bytes taken and bytes in all; None where the driver does not tell."""
        memory = Memory()
        told = call(self._library, "nvmlDeviceGetMemoryInfo", self._memory_of, ctypes.byref(memory))
        return (memory.used, memory.total) if told and memory.total else None

    def programs(self) -> tuple[CardProgram, ...] | None:
        """Every program on the card, the largest first; None where the driver does not tell."""
        lists = [self._listed(f"nvmlDeviceGet{kind}RunningProcesses") for kind in ("Compute", "Graphics")]
        if all(one is None for one in lists):
            return None
        found: dict[int, int | None] = {}
        for pid, count in (pair for one in lists for pair in one or ()):
            found[pid] = max((n for n in (found.get(pid), count) if n is not None), default=None)
        programs = [CardProgram(pid=pid, name=self._name(pid), bytes=count) for pid, count in found.items()]
        return tuple(sorted(programs, key=lambda one: (-(one.bytes or 0), one.pid)))

    def close(self) -> None:
        self._library.nvmlShutdown()

    def _listed(self, function: str) -> list[tuple[int, int | None]] | None:
        for suffix, kind in (("_v3", _Process), ("_v2", _Process), ("", _OldProcess)):
            asked = getattr(self._library, function + suffix, None)
            if asked is None:
                continue
            count = ctypes.c_uint(64)
            for _ in range(3):  # more may start between two questions
                entries = (kind * count.value)()
                code = asked(self._handle, ctypes.byref(count), entries)
                if code == 0:
                    return [
                        (one.pid, None if one.bytes == _NOT_TOLD else one.bytes) for one in entries[: count.value]
                    ]
                if code != _TOO_SMALL:
                    return None
                count = ctypes.c_uint(count.value + 64)
            return None
        return None

    def _name(self, pid: int) -> str | None:
        buffer = ctypes.create_string_buffer(_LONGEST_NAME)
        if not call(self._library, "nvmlSystemGetProcessName", ctypes.c_uint(pid), buffer, _LONGEST_NAME):
            return None
        return buffer.value.decode("utf-8", "replace").strip() or None


def open_card(uuid: str | None, index: int | None, places: Iterable[str] | None = None) -> NvmlCard | None:
    """The card with this id, or (without one) at this place in NVIDIA's order; None where it cannot be asked."""
    library = load(own_places() if places is None else places)
    if library is None or library.nvmlInit_v2() != 0:
        return None
    handle = ctypes.c_void_p()
    found = uuid is not None and call(
        library, "nvmlDeviceGetHandleByUUID", ctypes.c_char_p(uuid.encode()), ctypes.byref(handle)
    )
    if not found and index is not None:
        found = call(library, "nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
    if not found:
        library.nvmlShutdown()
        return None
    return NvmlCard(library, handle)
