"""The one port to the operating system: programs, environment, files to look at, registry.

`Machine` is what the other rooms ask for; `RealMachine` is this computer. Tests hand in a recorded one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sdsetup.decide.facts import Family


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a program ended. `rc` is None when it never ran or was stopped; `problem` then says why:
    missing, timeout, denied, broken."""

    rc: int | None
    out: str = ""
    err: str = ""
    problem: str | None = None

    @property
    def ok(self) -> bool:
        return self.rc == 0


class Machine(Protocol):
    """What may be asked of a computer. Nothing here raises for a missing program, file or key."""

    @property
    def family(self) -> Family: ...

    @property
    def env(self) -> Mapping[str, str]: ...

    @property
    def home(self) -> Path: ...

    def which(self, name: str) -> str | None:
        """Full path of a program on PATH, never one from the current folder."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a short program to its end (seconds). `env` is laid over the machine's own environment."""
        ...

    def read_text(self, path: str | Path, limit: int = 1_000_000) -> str | None: ...

    def exists(self, path: str | Path) -> bool: ...

    def glob(self, folder: str | Path, pattern: str) -> tuple[Path, ...]:
        """Sorted matches below a folder; none when it cannot be read."""
        ...

    def registry_values(self, hive: str, key: str, *, view: int = 64) -> Mapping[str, Any] | None:
        """Values of a Windows registry key (hive "HKLM" or "HKCU"; the default value under ""), None if absent."""
        ...

    def registry_subkeys(self, hive: str, key: str, *, view: int = 64) -> tuple[str, ...]: ...
