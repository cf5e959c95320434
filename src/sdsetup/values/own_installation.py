"""How sdsetup itself came onto this PC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Way = Literal["starter", "pipx", "uv", "source", "pip"]


@dataclass(frozen=True, kw_only=True)
class OwnInstallation:
    """`folder`: of the project, where a starter or an editable installation runs it. `command`: what brings a new
    version, as arguments; None where there is nothing to type."""

    way: Way
    folder: str | None = None
    clone: bool = False  # the project's folder is a git clone
    command: tuple[str, ...] | None = None
