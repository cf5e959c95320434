"""What lies in the installation folder already, as far as it is cheap to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdsetup.values.request import LauncherKind


@dataclass(frozen=True, kw_only=True)
class Contents:
    """`heads`: folder relative to the installation ("" is itself) -> commit id its HEAD names.
    `sizes`: file relative to the installation -> bytes; `begun`: likewise, what an unfinished download has of
    it. `launch_files`: kind -> content."""

    heads: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, int] = field(default_factory=dict)
    launch_files: Mapping[LauncherKind, bytes] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()  # files of the web UI itself that are missing, or no text
    python: str | None = None  # the interpreter that an earlier run brought
    git: str | None = None  # likewise
