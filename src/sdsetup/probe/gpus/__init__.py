"""Graphics cards: NVIDIA's library first, its program next, its banner last; others from the system's list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.probe.gpus import macos, registry, smi, sysfs
from sdsetup.probe.side_by_side import Answer, Job, side_by_side
from sdsetup.values.facts import Gpu

if TYPE_CHECKING:
    from sdsetup.machine.answers import NvmlAnswer

_NVML_LIMIT = 5.0
_LISTED_LIMIT = 9.0


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    if machine.family == "macos":
        return {"gpus": macos.ask(machine), "driver_problem": None}
    answers = side_by_side(
        [
            Job(name="nvml", limit=_NVML_LIMIT, ask=machine.nvml),
            Job(name="listed", limit=_LISTED_LIMIT, ask=lambda: _listed(machine)),
        ]
    )
    listed: tuple[Gpu, ...] = answers["listed"].value or ()
    nvidia, problem = _nvidia(machine, answers["nvml"], listed)
    unknown = {f"gpus.{name}": answer.problem for name, answer in answers.items() if answer.problem}
    if nvidia:
        unknown.pop("gpus.nvml", None)
    return {"gpus": merged(nvidia, listed), "driver_problem": problem, "unknown": unknown}


def of_nvml(answer: NvmlAnswer) -> tuple[Gpu, ...]:
    return tuple(
        Gpu(
            vendor="nvidia",
            name=gpu.name,
            vram_bytes=gpu.memory_total,
            compute_capability=gpu.compute_capability,
            driver_version=answer.driver_version,
            cuda_version=answer.cuda_version,
            source="nvml",
            index=gpu.index,
            uuid=gpu.uuid,
            pci_bus_id=gpu.pci_bus_id,
            integrated=False,
            mig=gpu.mig,
            vram_used_bytes=gpu.memory_used,
        )
        for gpu in answer.gpus
    )


def merged(nvidia: Iterable[Gpu], listed: Iterable[Gpu]) -> tuple[Gpu, ...]:
    """NVIDIA's own answers in place of the system's list of NVIDIA cards; everybody else from the list."""
    told = tuple(nvidia)
    rest = [gpu for gpu in listed if not (told and gpu.vendor == "nvidia")]
    return (*told, *sorted(rest, key=lambda gpu: (gpu.vendor != "nvidia", bool(gpu.integrated))))


def _nvidia(machine: Machine, nvml: Answer, listed: tuple[Gpu, ...]) -> tuple[tuple[Gpu, ...], str | None]:
    answer: NvmlAnswer | None = nvml.value
    if answer is not None and answer.gpus:
        return of_nvml(answer), None
    asked = smi.ask(machine)
    if asked.gpus:
        cuda = answer.cuda_version if answer else None
        return tuple(
            _with_device(replace(gpu, cuda_version=gpu.cuda_version or cuda), asked.gpus, listed)
            for gpu in asked.gpus
        ), None
    if not any(gpu.vendor == "nvidia" for gpu in listed) and asked.problem is None:
        return (), None  # no NVIDIA card, so nothing is wrong with its driver
    return (), asked.problem or (answer.problem if answer else None) or ("timeout" if nvml.problem else None)


def _with_device(gpu: Gpu, told: tuple[Gpu, ...], listed: tuple[Gpu, ...]) -> Gpu:
    """Where the banner cuts the card's name: with the list's name, and the device's number, which is enough."""
    nvidia = [other for other in listed if other.vendor == "nvidia"]
    found = [other for other in nvidia if other.pci_bus_id and _place(other) == _place(gpu)]
    if not found and len(nvidia) == len(told) == 1:
        found = nvidia
    if not found or not smi.is_cut(gpu.name):
        return gpu
    return replace(gpu, name=found[0].name or gpu.name, pci_id=gpu.pci_id or found[0].pci_id)


def _place(gpu: Gpu) -> str:
    """The kernel writes a bus's domain with four digits, NVIDIA with eight."""
    return (gpu.pci_bus_id or "").lower()[-len("0000:01:00.0") :]


def _listed(machine: Machine) -> tuple[Gpu, ...]:
    if machine.family == "windows":
        return registry.ask(machine)
    return sysfs.ask(machine)
