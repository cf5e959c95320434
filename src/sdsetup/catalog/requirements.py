"""What a plan needs of a machine. Its numbers come from `doctor.toml` and from the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sdsetup.catalog.rules import Rules
from sdsetup.values.facts import Facts, Family

# Named tuples where a value only carries what a profile says: a dataclass of thirty fields takes as long to
# define as a tenth of the whole start of Python, and the doctor's start is counted.


class PythonRequirement(NamedTuple):
    """Which Python builds the web UI's environment."""

    wanted: tuple[int, int]  # (3, 10)
    tolerated: tuple[tuple[int, int], ...] = ()
    tolerated_on: tuple[Family, ...] = ()
    because: str = ""

    def accepts(self, version: tuple[int, ...] | None, family: Family) -> bool:
        minor = version[:2] if version else None
        return minor == self.wanted or (family in self.tolerated_on and minor in self.tolerated)


class Commands(NamedTuple):
    """How one system's package manager brings things; None where we know no command."""

    ids: tuple[str, ...]
    git: str | None = None
    libraries: str | None = None
    tcmalloc: str | None = None
    driver: str | None = None
    venv: str | None = None

    def without_sudo(self) -> Commands:
        """For root: a container often has no sudo."""
        said = {
            field: command.removeprefix("sudo ")
            for field, command in self._asdict().items()
            if field != "ids" and command
        }
        return self._replace(**said)


class Limits(NamedTuple):
    """Thresholds of `doctor.toml`; bytes, letters and counts."""

    windows_least_build: int
    windows_because: str
    macos_least: str
    macos_because: str
    glibc_least: str
    glibc_because: str
    git_least: str
    git_because: str
    memory_least: int
    memory_good: int
    memory_plenty: int
    memory_because: str
    pagefile_with_good: int
    pagefile_with_least: int
    pagefile_with_little: int
    pagefile_because: str
    cores_least: int
    cores_because: str
    vram_least: int
    vram_good: int
    vram_because: str
    folder_longest: int
    folder_comfortable: int
    folder_letters: str
    folder_because: str
    path_longest: int
    path_because: str
    disk_because: str
    driver_page: str
    vc_runtime: str
    amd_windows_page: str
    libraries_because: str


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """`disk_bytes` is what the plan still adds at the folder, `download_bytes` what it downloads, `spare_bytes`
    what should stay free afterwards."""

    disk_bytes: int
    spare_bytes: int
    temp_bytes: int
    largest_file_bytes: int
    python: PythonRequirement
    rules: Rules  # which card and which PyTorch: the same answer as the tuning's
    limits: Limits
    commands: tuple[Commands, ...] = ()
    download_bytes: int | None = None
    gpu_required: bool = False
    brings: frozenset[str] = frozenset({"python"})  # what an installation brings by itself
    repositories: tuple[tuple[str, str], ...] = ()  # name and commit of those that the web UI needs
    exclusive_flags: tuple[tuple[str, ...], ...] = ()  # of each group a launch file may hold one
    text_encoder: tuple[str, ...] = ()  # files, relative to the installation, that loading a model needs
    model_hashes: Mapping[int, str] = field(default_factory=dict)  # bytes -> SHA-256 of the models that are known

    def commands_for(self, facts: Facts) -> Commands:
        """The package manager of this machine, by its distribution and what that is like; root calls it itself."""
        system = facts.system
        names = (system.distribution, *system.like) if system.family == "linux" else (system.family,)
        for name in names:
            for commands in self.commands:
                if name in commands.ids:
                    return commands.without_sudo() if system.root else commands
        return Commands(ids=())
