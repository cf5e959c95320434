"""How sdsetup itself came onto this PC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# "zip", "winget", "scoop": the Windows program, by how it was unpacked.
Way = Literal["starter", "zip", "winget", "scoop", "pipx", "uv", "source", "pip"]


@dataclass(frozen=True, kw_only=True)
class OwnInstallation:
    """`folder`: where it lies: of the project for a starter or an editable installation, of the unpacked zip.
    `command`: what installs a new version, as arguments; None where there is nothing to type."""

    way: Way
    folder: str | None = None
    clone: bool = False  # the project's folder is a git clone
    command: tuple[str, ...] | None = None
