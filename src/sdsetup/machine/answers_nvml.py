"""What NVIDIA's management library answers, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NvmlGpu:
    """One card; memory in bytes. Of a divided card (MIG) the memory of its first instance."""

    index: int
    name: str | None = None
    uuid: str | None = None
    pci_bus_id: str | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    compute_capability: tuple[int, int] | None = None
    mig: bool = False


@dataclass(frozen=True, kw_only=True)
class NvmlAnswer:
    """`problem`: mismatch (driver updated, not restarted), not-running, denied, failed; then without cards."""

    driver_version: str | None = None
    cuda_version: str | None = None
    gpus: tuple[NvmlGpu, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardProgram:
    """A program that holds memory of a card; `bytes` is None where the driver does not tell (Windows, WSL)."""

    pid: int
    name: str | None = None
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class CardUse:
    """Bytes of a whole card: taken by programs, open to them in all, and in shared memory for one tree of them."""

    used: int | None = None
    total: int | None = None
    shared: int | None = None
