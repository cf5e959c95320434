"""NVIDIA's management library, through NVIDIA's own binding: what cards there are, and what holds one of them.

`pynvml` costs six starts of Python, so this module is imported late, where a driver is loaded.
Functions and structures: https://docs.nvidia.com/deploy/nvml-api/
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pynvml

from sdsetup.machine.answers import CardProgram, NvmlAnswer, NvmlGpu

_PROBLEMS = {
    pynvml.NVML_ERROR_NO_PERMISSION: "denied",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "not-running",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "mismatch",
}
# No library, or one from before 2018: the driver's program is asked instead.
_NOBODY = (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
# Newer drivers first; those from before 2020 do not tell.
_LISTS = (
    (pynvml.nvmlDeviceGetComputeRunningProcesses_v3, pynvml.nvmlDeviceGetComputeRunningProcesses_v2),
    (pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3, pynvml.nvmlDeviceGetGraphicsRunningProcesses_v2),
)
_WSL = Path("/usr/lib/wsl/lib/libnvidia-ml.so.1")


def ask() -> NvmlAnswer | None:
    """Cards and driver as the library sees them; None where there is no library to ask."""
    try:
        _begin()
    except pynvml.NVMLError as error:
        return None if error.value in _NOBODY else NvmlAnswer(problem=_PROBLEMS.get(error.value, "failed"))
    try:
        return _answer()
    finally:
        pynvml.nvmlShutdown()


class NvmlCard:
    """One card while something runs on it. Made by `open_card`; `close` lets the library go."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._memory_of = _first_instance(handle) or handle

    def memory(self) -> tuple[int, int] | None:
        """Bytes that programs have taken, and all that they can take; None where the driver does not tell."""
        memory = _memory(self._memory_of)
        return (memory.used, memory.total - memory.reserved) if memory is not None else None

    def programs(self) -> tuple[CardProgram, ...] | None:
        """Every program on the card, the largest first; None where the driver does not tell."""
        told = [listed for kind in _LISTS if (listed := _first(kind, self._handle)) is not None]
        if not told:
            return None
        found: dict[int, int | None] = {}
        for one in (one for listed in told for one in listed):
            sizes = [size for size in (found.get(one.pid), one.usedGpuMemory) if size is not None]
            found[one.pid] = max(sizes, default=None)
        programs = [CardProgram(pid=pid, name=_name(pid), bytes=size) for pid, size in found.items()]
        return tuple(sorted(programs, key=lambda one: (-(one.bytes or 0), one.pid)))

    def close(self) -> None:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def open_card(uuid: str | None, index: int | None) -> NvmlCard | None:
    """The card with this id, or (without one) at this place in NVIDIA's order; None where it cannot be asked."""
    try:
        _begin()
    except pynvml.NVMLError:
        return None
    handle = _told(pynvml.nvmlDeviceGetHandleByUUID, uuid) if uuid is not None else None
    if handle is None and index is not None:
        handle = _told(pynvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        pynvml.nvmlShutdown()
        return None
    return NvmlCard(handle)


def _begin() -> None:
    if sys.platform == "linux" and _WSL.exists():
        # Not on every WSL does the system's loader look there; what is loaded by its path is found by its name.
        with contextlib.suppress(OSError):
            ctypes.CDLL(str(_WSL))
    pynvml.nvmlInit()


def _answer() -> NvmlAnswer:
    driver = _told(pynvml.nvmlSystemGetDriverVersion)
    level = _told(pynvml.nvmlSystemGetCudaDriverVersion_v2)
    cuda = f"{level // 1000}.{level % 1000 // 10}" if level else None
    count = _told(pynvml.nvmlDeviceGetCount)
    if count is None:
        return NvmlAnswer(driver_version=driver, cuda_version=cuda, problem="failed")
    gpus = tuple(gpu for index in range(count) if (gpu := _gpu(index)) is not None)
    return NvmlAnswer(driver_version=driver, cuda_version=cuda, gpus=gpus)


def _gpu(index: int) -> NvmlGpu | None:
    handle = _told(pynvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        return None
    # A program sees one instance of a divided card, so the instance's memory and id are the ones that count.
    instance = _first_instance(handle)
    memory = _memory(instance or handle)
    pci = _told(pynvml.nvmlDeviceGetPciInfo_v3, handle)
    return NvmlGpu(
        index=index,
        name=_told(pynvml.nvmlDeviceGetName, handle) or None,
        uuid=_told(pynvml.nvmlDeviceGetUUID, instance or handle) or None,
        pci_bus_id=_text(pci.busId) if pci is not None else None,
        memory_total=memory.total if memory is not None else None,
        memory_used=memory.used if memory is not None else None,
        compute_capability=_told(pynvml.nvmlDeviceGetCudaComputeCapability, handle),
        mig=_divided(handle),
    )


class _Memory(NamedTuple):
    """In bytes. `reserved`: what driver and firmware keep for themselves, where the driver tells it apart."""

    total: int
    used: int
    reserved: int = 0


def _memory(handle: Any) -> _Memory | None:
    # Before driver 510 there is only the call that counts what the driver keeps (615 MiB on an H200) as used.
    newer = _told(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    told = newer if newer is not None else _told(pynvml.nvmlDeviceGetMemoryInfo, handle)
    if told is None or not told.total:
        return None
    return _Memory(total=told.total, used=told.used, reserved=newer.reserved if newer is not None else 0)


def _divided(handle: Any) -> bool:
    now, _pending = _told(pynvml.nvmlDeviceGetMigMode, handle) or (0, 0)
    return bool(now)


def _first_instance(handle: Any) -> Any:
    if not _divided(handle):
        return None
    count = min(_told(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0, 16)
    instances = (_told(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index) for index in range(count))
    return next((instance for instance in instances if instance is not None), None)


def _name(pid: int) -> str | None:
    return (_told(pynvml.nvmlSystemGetProcessName, pid) or "").strip() or None


def _first(functions: Sequence[Callable[..., Any]], handle: Any) -> Any:
    return next((told for ask in functions if (told := _told(ask, handle)) is not None), None)


def _told(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the library answers; None where this driver has none of that name, or will not tell."""
    try:
        answer = function(*arguments)
    except (pynvml.NVMLError, UnicodeDecodeError):  # names of programs come in any code page
        return None
    return tuple(answer) if isinstance(answer, (tuple, list)) else answer


def _text(value: str | bytes) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
