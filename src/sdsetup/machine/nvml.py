"""NVIDIA's management library, asked directly: a few of its functions, whose names and shapes are stable.

The `pynvml` binding costs as much processor time as two and a half starts of Python, for the same few calls.
Functions and structures: https://docs.nvidia.com/deploy/nvml-api/
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sdsetup.machine.answers_nvml import NvmlAnswer, NvmlGpu

# nvmlReturn_t
_PROBLEMS = {4: "denied", 9: "not-running", 18: "mismatch"}
_BUFFER = 96


class Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Pci(ctypes.Structure):
    _fields_ = (
        ("bus_id_legacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("pci_device_id", ctypes.c_uint),
        ("pci_subsystem_id", ctypes.c_uint),
        ("bus_id", ctypes.c_char * 32),
    )


def ask(places: Iterable[str] | None = None) -> NvmlAnswer | None:
    """Cards and driver as the library sees them; None where there is no library to ask.

    `places` are paths or names to load it from, instead of the platform's own.
    """
    library = load(own_places() if places is None else places)
    if library is None:
        return None
    code = library.nvmlInit_v2()
    if code != 0:
        return NvmlAnswer(problem=_PROBLEMS.get(code, "failed"))
    try:
        return _answer(library)
    finally:
        library.nvmlShutdown()


def _answer(library: Any) -> NvmlAnswer:
    driver = string_of(library.nvmlSystemGetDriverVersion)
    level = ctypes.c_int()
    cuda = None
    if call(library, "nvmlSystemGetCudaDriverVersion_v2", ctypes.byref(level)) and level.value > 0:
        cuda = f"{level.value // 1000}.{level.value % 1000 // 10}"
    count = ctypes.c_uint()
    if not call(library, "nvmlDeviceGetCount_v2", ctypes.byref(count)):
        return NvmlAnswer(driver_version=driver, cuda_version=cuda, problem="failed")
    gpus = tuple(gpu for index in range(count.value) if (gpu := _gpu(library, index)) is not None)
    return NvmlAnswer(driver_version=driver, cuda_version=cuda, gpus=gpus)


def _gpu(library: Any, index: int) -> NvmlGpu | None:
    handle = ctypes.c_void_p()
    if not call(library, "nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle)):
        return None
    memory, pci = Memory(), _Pci()
    major, minor, mig, pending = ctypes.c_int(), ctypes.c_int(), ctypes.c_uint(), ctypes.c_uint()
    level = call(library, "nvmlDeviceGetCudaComputeCapability", handle, ctypes.byref(major), ctypes.byref(minor))
    placed = call(library, "nvmlDeviceGetPciInfo_v3", handle, ctypes.byref(pci))
    sliced = call(library, "nvmlDeviceGetMigMode", handle, ctypes.byref(mig), ctypes.byref(pending))
    instance = None
    if sliced and mig.value:
        # A program sees one instance of a divided card, so the instance's memory and id are the ones that count.
        instance = first_instance(library, handle)
        counted = call(library, "nvmlDeviceGetMemoryInfo", instance or handle, ctypes.byref(memory))
    else:
        counted = call(library, "nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
    return NvmlGpu(
        index=index,
        name=string_of(library.nvmlDeviceGetName, handle),
        uuid=string_of(library.nvmlDeviceGetUUID, instance or handle),
        pci_bus_id=pci.bus_id.decode("ascii", "replace") if placed else None,
        memory_total=memory.total if counted and memory.total else None,
        memory_used=memory.used if counted and memory.total else None,
        compute_capability=(major.value, minor.value) if level else None,
        mig=bool(sliced and mig.value),
    )


def first_instance(library: Any, handle: ctypes.c_void_p) -> ctypes.c_void_p | None:
    count, instance = ctypes.c_uint(), ctypes.c_void_p()
    if not call(library, "nvmlDeviceGetMaxMigDeviceCount", handle, ctypes.byref(count)):
        return None
    for index in range(min(count.value, 16)):
        if call(
            library, "nvmlDeviceGetMigDeviceHandleByIndex", handle, ctypes.c_uint(index), ctypes.byref(instance)
        ):
            return instance
    return None


def call(library: Any, function: str, *arguments: Any) -> bool:
    """Whether a function exists in this driver's library and succeeded."""
    try:
        return bool(getattr(library, function)(*arguments) == 0)
    except AttributeError:
        return False


def string_of(function: Any, *before: Any) -> str | None:
    buffer = ctypes.create_string_buffer(_BUFFER)
    if function(*before, buffer, ctypes.c_uint(_BUFFER)) != 0:
        return None
    return buffer.value.decode("utf-8", "replace").strip() or None


def load(places: Iterable[str]) -> Any:
    for place in places:
        try:
            return ctypes.CDLL(place)
        except OSError:
            continue
    return None


def own_places() -> tuple[str, ...]:
    if sys.platform == "win32":
        # Full paths only: a library of that name in the current folder must not be the one that is loaded.
        root = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
        programs = Path(os.environ.get("PROGRAMW6432", r"C:\Program Files"))
        old = programs / "NVIDIA Corporation" / "NVSMI"
        return tuple(str(folder / "nvml.dll") for folder in (root / "System32", old))
    if sys.platform == "darwin":
        return ()
    return ("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1")
