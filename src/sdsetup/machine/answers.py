"""What an operating system answers, as values: recorded ones can stand in for any computer."""

from __future__ import annotations

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
    """`free` is None when it could not be tried. `reserved`: the system keeps it (Hyper-V does that)."""

    free: bool | None = None
    reserved: bool = False
    detail: str | None = None


class Reached(NamedTuple):
    """`problem` None: an answer came. Else dns, refused, timeout, tls, proxy, http-451, or unknown (not tried)."""

    problem: str | None = None
    detail: str | None = None
