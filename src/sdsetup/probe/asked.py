"""What every probe is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdsetup.machine import Machine
from sdsetup.values.facts import Host


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The machine, the folder that matters, what to knock at, and how deep to look."""

    machine: Machine
    folder: Path
    port: int = 7860
    hosts: tuple[Host, ...] = ()
    deep: bool = False  # contents are hashed, not only sizes compared
    known_sizes: frozenset[int] = frozenset()  # bytes of model files whose hash is known: only these are hashed

    @property
    def standing(self) -> Path:
        """The target folder, or its nearest parent that exists."""
        for place in (self.folder, *self.folder.parents):
            if self.machine.kind(place) == "folder":
                return place
        return self.folder
