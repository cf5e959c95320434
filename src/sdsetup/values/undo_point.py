"""What one step back would bring."""

from __future__ import annotations

from dataclasses import dataclass

from sdsetup.values.install_record import InstallRecord


@dataclass(frozen=True, kw_only=True)
class Point:
    """`at`: when it was kept (ISO 8601, UTC); `environment`: whether another Python environment comes back."""

    at: str
    machine: InstallRecord
    environment: bool
