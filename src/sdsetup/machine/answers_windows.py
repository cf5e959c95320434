"""What only Windows answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
