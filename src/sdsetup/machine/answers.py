"""What an operating system answers, as values: recorded ones can stand in for any computer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

DriveKind = Literal["fixed", "removable", "network", "other"]


class Kernel(NamedTuple):
    """`machine` is what this process is told ("AMD64", "x86_64", "arm64"); `bits` are the process's own."""

    system: str | None = None
    release: str | None = None
    machine: str | None = None
    bits: int | None = None
    libc: str | None = None  # "glibc 2.36"
    groups: tuple[str, ...] | None = None
    superuser: bool | None = None


class Volume(NamedTuple):
    """Bytes free to this user (quotas counted). `filesystem` as the system names it."""

    free_bytes: int | None = None
    total_bytes: int | None = None
    filesystem: str | None = None
    kind: DriveKind | None = None


class PortState(NamedTuple):
    """`free` is None when it could not be tried. `reserved`: the system keeps it (Hyper-V's on Windows, elsewhere
    those below 1024)."""

    free: bool | None = None
    reserved: bool = False
    detail: str | None = None


class Reached(NamedTuple):
    """`problem` None: an answer came. Else dns, refused, timeout, tls, proxy, http-451, or unknown (not tried)."""

    problem: str | None = None
    detail: str | None = None


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


@dataclass(frozen=True, kw_only=True)
class Windows:
    """`native_machine` is the PE machine number of the real processor: 0x8664 x64, 0xAA64 ARM64, 0x14C x86."""

    version: tuple[int, int, int] | None = None  # 10, 0, 22631
    server: bool | None = None
    native_machine: int | None = None
    ansi_code_page: int | None = None
    oem_code_page: int | None = None
    console_code_page: int | None = None
    admin: bool | None = None
    known_folders: Mapping[str, str] = field(default_factory=dict)  # "desktop", "documents"
    display_devices: tuple[str, ...] | None = None  # PnP ids of display adapters that are there now


@dataclass(frozen=True, kw_only=True)
class MemoryStatus:
    """Bytes. `commit_limit` is memory plus page files as they are now."""

    total: int
    available: int
    commit_limit: int
    commit_available: int
