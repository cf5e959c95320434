"""`doctor.toml`: what a machine is measured against, and which addresses are knocked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sdsetup.catalog.reading import Reader
from sdsetup.catalog.tuning import Rules
from sdsetup.values.facts import Facts, Family, Host


@dataclass(frozen=True, kw_only=True)
class PythonRequirement:
    """Which Python builds the web UI's environment."""

    wanted: tuple[int, int]  # (3, 10)
    tolerated: tuple[tuple[int, int], ...] = ()
    tolerated_on: tuple[Family, ...] = ()
    because: str = ""

    def accepts(self, version: tuple[int, ...] | None, family: Family) -> bool:
        minor = version[:2] if version else None
        return minor == self.wanted or (family in self.tolerated_on and minor in self.tolerated)


@dataclass(frozen=True, kw_only=True)
class Commands:
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
            name: command.removeprefix("sudo ")
            for name, command in vars(self).items()
            if name != "ids" and command
        }
        return replace(self, **said)


@dataclass(frozen=True, kw_only=True)
class Limits:
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


_FAMILIES = ("windows", "linux", "macos")


@dataclass(frozen=True, kw_only=True)
class DoctorProfile:
    """`install_bytes` and `update_bytes`: room for a whole installation, and for one that is there already."""

    limits: Limits
    python: PythonRequirement
    commands: tuple[Commands, ...]
    hosts: tuple[Host, ...]
    install_bytes: int
    update_bytes: int
    spare_bytes: int
    temp_bytes: int
    largest_file_bytes: int

    def need(
        self,
        rules: Rules,
        *,
        disk_bytes: int | None = None,
        largest_file_bytes: int | None = None,
        gpu_required: bool = False,
        brings: frozenset[str] = frozenset({"python"}),
    ) -> Requirements:
        """What to ask of a machine: the plan's own numbers where there is a plan, else those of a usual one.

        `rules` choose the card and its PyTorch.
        """
        return Requirements(
            disk_bytes=self.install_bytes if disk_bytes is None else disk_bytes,
            spare_bytes=self.spare_bytes,
            temp_bytes=self.temp_bytes,
            largest_file_bytes=self.largest_file_bytes if largest_file_bytes is None else largest_file_bytes,
            python=self.python,
            rules=rules,
            limits=self.limits,
            commands=self.commands,
            gpu_required=gpu_required,
            brings=brings,
        )


def read_doctor(raw: Mapping[str, Any]) -> DoctorProfile:
    """Read the profile.

    Raises:
        ProfileError: naming every problem of the file.
    """
    top = Reader(raw, "doctor.toml")
    disk, python = top.table("disk"), top.table("python")
    profile = DoctorProfile(
        limits=_limits(top),
        python=PythonRequirement(
            wanted=_minor(python, "wanted", python.text("wanted")),
            tolerated=tuple(_minor(python, "tolerated", text) for text in python.texts("tolerated", ())),
            tolerated_on=_families(python),
            because=python.text("because"),
        ),
        commands=tuple(_commands(row) for row in top.tables("install", ())),
        hosts=tuple(Host(url=row.url("url"), purpose=row.text("purpose")) for row in top.tables("hosts", ())),
        install_bytes=disk.integer("install_bytes"),
        update_bytes=disk.integer("update_bytes"),
        spare_bytes=disk.integer("spare_bytes"),
        temp_bytes=disk.integer("temp_bytes"),
        largest_file_bytes=disk.integer("largest_file_bytes"),
    )
    top.finish()
    return profile


def _limits(top: Reader) -> Limits:
    system, git, memory, pagefile = (top.table(name) for name in ("os", "git", "memory", "pagefile"))
    cpu, vram, folder, path = (top.table(name) for name in ("cpu", "vram", "folder", "path"))
    return Limits(
        windows_least_build=system.integer("windows_least_build"),
        windows_because=system.text("windows_because"),
        macos_least=system.text("macos_least"),
        macos_because=system.text("macos_because"),
        glibc_least=system.text("glibc_least"),
        glibc_because=system.text("glibc_because"),
        git_least=git.text("least"),
        git_because=git.text("because"),
        memory_least=memory.integer("least_bytes"),
        memory_good=memory.integer("good_bytes"),
        memory_plenty=memory.integer("plenty_bytes"),
        memory_because=memory.text("because"),
        pagefile_with_good=pagefile.integer("with_good_memory_bytes"),
        pagefile_with_least=pagefile.integer("with_least_memory_bytes"),
        pagefile_with_little=pagefile.integer("with_little_memory_bytes"),
        pagefile_because=pagefile.text("because"),
        cores_least=cpu.integer("least_cores"),
        cores_because=cpu.text("because"),
        vram_least=vram.integer("least_bytes"),
        vram_good=vram.integer("good_bytes"),
        vram_because=vram.text("because"),
        folder_longest=folder.integer("longest"),
        folder_comfortable=folder.integer("comfortable"),
        folder_letters=folder.text("letters"),
        folder_because=folder.text("because"),
        path_longest=path.integer("longest"),
        path_because=path.text("because"),
        disk_because=top.table("disk").text("because"),
        driver_page=top.table("driver").url("page"),
        amd_windows_page=top.table("amd").url("windows_page"),
        vc_runtime=top.table("libraries").url("vc_runtime"),
        libraries_because=top.table("libraries").text("because"),
    )


def _commands(row: Reader) -> Commands:
    return Commands(
        ids=row.texts("ids"),
        git=row.text("git", None),
        libraries=row.text("libraries", None),
        tcmalloc=row.text("tcmalloc", None),
        driver=row.text("driver", None),
        venv=row.text("venv", None),
    )


def _minor(row: Reader, key: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", text)
    if match is None:
        if text:
            row.problem(key, f'expected two numbers such as "3.10", found {text!r}')
        return 0, 0
    return int(match[1]), int(match[2])


def _families(row: Reader) -> tuple[Any, ...]:
    found = row.texts("tolerated_on", ())
    for name in found:
        if name not in _FAMILIES:
            row.problem("tolerated_on", f"{name!r} is not one of {', '.join(_FAMILIES)}")
    return found
