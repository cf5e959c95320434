"""What is wrong with the parts of an installation: the one judgment that doctor, install, and status share.

A fault says whether it keeps the web UI from starting. Doctor finds what a step of an installation fixes, and
a step fixes what doctor finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sdsetup.command import Command
from sdsetup.launchfile import FILE_NAMES
from sdsetup.text import Text
from sdsetup.values.contents import CheckedOut, DamagedPackage, LaunchFileState, ModelFile, Parts
from sdsetup.values.facts import Facts
from sdsetup.values.install_record import InstallRecord

# What a start or an image needs. A deleted screenshot or license does no harm.
_NEEDED = re.compile(r"(?i).+\.(py|js|mjs|css|html|ya?ml|json|txt|bat|sh|ttf|gz|pt|csv)")
_NOT_NEEDED = re.compile(r"(?i)(\.github|test|tests|docs?|assets|screenshots)/.*|readme.*|licen[sc]e.*")
_FREE = frozenset({"pip"})  # users update it themselves, and the web UI does not depend on its version


@dataclass(frozen=True, kw_only=True)
class PackageFault:
    """One package that differs from the lock. `version`: the locked one; `found`: what is installed."""

    name: str
    how: Literal["gone", "other", "damaged", "twice"]
    version: str
    found: str | None = None
    file: str | None = None
    lost: bool = False  # the file is not there at all
    stops: bool = True

    @property
    def said(self) -> Text:
        match self.how:
            case "gone":
                return Text("{name} is missing", name=self.name)
            case "other":
                return Text(
                    "{name} {found} instead of {version}", name=self.name, found=self.found, version=self.version
                )
            case "twice":
                return Text("{name} is installed twice ({found})", name=self.name, found=self.found)
            case "damaged":
                if self.lost:
                    return Text("{file} in {name} is missing", name=self.name, file=self.file)
                return Text("{file} in {name} is damaged", name=self.name, file=self.file)


def package_faults(
    locked: Mapping[str, str],
    packages: tuple[tuple[str, str], ...],
    damaged: tuple[DamagedPackage, ...],
) -> tuple[PackageFault, ...]:
    """How an environment differs from its lock, by package. Packages that extensions added are no fault."""
    found: dict[str, list[str]] = {}
    for name, version in packages:
        found.setdefault(name, []).append(version)
    broken = {one.name: one for one in damaged}
    faults = []
    for name, version in sorted(locked.items()):
        there = found.get(name, [])
        fault = _package(name, version, there, broken.get(name))
        if fault is not None:
            faults.append(fault)
    return tuple(faults)


def _package(name: str, version: str, there: list[str], broken: DamagedPackage | None) -> PackageFault | None:
    if not there:
        return PackageFault(name=name, how="gone", version=version)
    if len(there) > 1:
        return PackageFault(name=name, how="twice", version=version, found=", ".join(there))
    if version and not _same(version, there[0]) and name not in _FREE:
        far = _series(version) != _series(there[0])
        return PackageFault(name=name, how="other", version=version, found=there[0], stops=far)
    if broken is not None:
        return PackageFault(
            name=name,
            how="damaged",
            version=version,
            found=there[0],
            file=broken.file,
            lost=broken.how == "missing",
        )
    return None


def _same(one: str, other: str) -> bool:
    return one.lower().replace("-", "_") == other.lower().replace("-", "_")


def _series(version: str) -> tuple[tuple[str, ...], str]:
    """The first two numbers, and the local tag: "2.1.2+cu121" is (2, 1) and "cu121"."""
    public, _, local = version.partition("+")
    return tuple(public.split(".")[:2]), local


def environment_faults(parts: Parts) -> tuple[PackageFault, ...]:
    """The faults of an environment that sdsetup made; nothing is known about any other."""
    if parts.locked is None:
        return ()
    return package_faults(dict(parts.locked), parts.packages or (), parts.damaged_packages)


def environment_elsewhere(facts: Facts) -> tuple[str, str] | None:
    """The variable in the launch file that leads to another environment than venv, and its folder."""
    file = facts.parts.launch_file if facts.parts else None
    return file.environment if file is not None else None


def environment_given_up(facts: Facts) -> tuple[str, str] | None:
    """The same where that environment can't start the web UI: venv is used again. Nothing is changed in an
    environment elsewhere, which may serve other programs as well."""
    there, parts = facts.installation, facts.parts
    starts = there is not None and there.environment_python is not None and there.torch is not None
    sound = starts and parts is not None and not environment_faults(parts)
    return None if sound else environment_elsewhere(facts)


def missing_files(checkout: CheckedOut) -> tuple[str, ...]:
    """Files of a checkout that are missing and needed; launch files have a check of their own."""
    return tuple(
        name
        for name in checkout.missing or ()
        if name not in FILE_NAMES.values() and _NEEDED.fullmatch(name) and not _NOT_NEEDED.fullmatch(name)
    )


def owner_command(place: str, family: str) -> str:
    """The command that makes the user the owner of a folder and everything in it; the shell fills in the name."""
    said = Command(place, family=family)
    if family == "windows":
        return f'icacls {said} /setowner "%USERNAME%" /T /C'
    return f'sudo chown -R "$USER" {said}'


def own_edits(checkout: CheckedOut) -> tuple[str, ...]:
    """Files that the user has changed, except the launch files, which are meant to be edited."""
    return tuple(name for name in checkout.changed if name not in FILE_NAMES.values())


def checkout_at(parts: Parts | None, path: str) -> CheckedOut | None:
    found = parts.checkouts if parts is not None else ()
    return next((one for one in found if one.path == path), None)


def whole_at(parts: Parts | None, path: str) -> bool:
    """Whether no needed file of a checkout is known to be missing."""
    found = checkout_at(parts, path)
    return found is None or not missing_files(found)


def damaged_models(parts: Parts, hashes: Mapping[int, str]) -> tuple[ModelFile, ...]:
    """Model files that can't be loaded or differ from the published ones. `hashes`: size in bytes -> SHA-256 of
    the known models; used only where a deep check has hashed the files."""
    return tuple(
        one
        for one in parts.models
        if one.damage is not None
        or (one.sha256 is not None and one.size in hashes and one.sha256 != hashes[one.size])
    )


def lost_flags(file: LaunchFileState, recorded: InstallRecord | None) -> tuple[str, ...]:
    """Flags that the tuning set and that are no longer in the launch file."""
    there = set(file.flags)
    return tuple(flag for flag in (recorded.flags if recorded else ()) if flag.split(" ", 1)[0] not in there)


def own_flags(file: LaunchFileState, recorded: InstallRecord | None) -> tuple[str, ...]:
    """Flags in the launch file that the tuning did not set: the user's own."""
    ours = {flag.split(" ", 1)[0] for flag in (recorded.flags if recorded else ())}
    return tuple(flag for flag in file.flags if flag.startswith("-") and flag not in ours)
