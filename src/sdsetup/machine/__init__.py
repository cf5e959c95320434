"""The one port to the operating system: programs, environment, files to look at, registry.

`Machine` is what the other rooms ask for; `RealMachine` is this computer. Tests hand in a recorded one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sdsetup.machine.answers import Kernel, MemoryStatus, NvmlAnswer, PortState, Reached, Volume, Windows
    from sdsetup.values.facts import Drive, Family, Python


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a program ended. `rc` is None when it never ran or was stopped; `problem` then says why:
    missing, timeout, denied, broken, untrusted (it lies in the folder that is looked at)."""

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
    def env(self) -> Mapping[str, str]:
        """The environment. On Windows the names are in capitals, as Python gives them."""
        ...

    @property
    def home(self) -> Path: ...

    def looking_at(self, folder: Path) -> Machine:
        """The same machine for a look at a folder: no program that lies in it is found or run, and programs
        run elsewhere than in the current folder, whose configuration they might read."""
        ...

    def passing_over(self, folder: Path) -> Machine:
        """The same machine for work on a folder: no program that lies in it is found by its name, such as the git
        of an activated environment. One that is named by its path can be run."""
        ...

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

    # What only the operating system itself can say. Each answers None where it does not know.

    def kernel(self) -> Kernel: ...

    def windows(self) -> Windows:
        """What Windows' own functions answer; all unknown elsewhere."""
        ...

    def running_python(self) -> Python:
        """The interpreter of this process (of the environment's base, not of the environment)."""
        ...

    def memory(self) -> MemoryStatus | None:
        """Windows' memory status; None elsewhere, where files and `sysctl` tell."""
        ...

    def cores(self) -> tuple[int | None, int | None]:
        """Physical and logical processors."""
        ...

    def volume(self, path: str | Path) -> Volume | None:
        """The volume that holds an existing path."""
        ...

    def drives(self) -> tuple[Drive, ...]:
        """Drives with letters (Windows only)."""
        ...

    def loads(self, library: str) -> bool:
        """Whether a shared library can be loaded. Some have effects at loading: harmless ones only."""
        ...

    def kind(self, path: str | Path) -> str:
        """absent, file, folder, alias (a Store stub: the reparse tag of an app execution link), unreadable."""
        ...

    def resolve(self, path: str | Path) -> str:
        """The path behind links, as far as it exists."""
        ...

    def foreign_owner(self, path: str | Path) -> bool | None:
        """Whether a path belongs to another account than this one, as git judges it; None where not known."""
        ...

    def write_problem(self, folder: str | Path) -> str | None:
        """Why nothing can be written into an existing folder, None when it can."""
        ...

    def port(self, number: int) -> PortState:
        """Whether a server could listen on this port of 127.0.0.1."""
        ...

    def reach(self, url: str, *, proxy: str | None, seconds: float) -> Reached:
        """Ask an address for its head, directly or through `http://[name:password@]host:port`."""
        ...

    def nvml(self) -> NvmlAnswer | None:
        """What NVIDIA's management library answers; None where there is no such library."""
        ...
