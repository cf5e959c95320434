"""What is not as it should be in the parts of an installation: the one judgement of doctor, install and status.

A fault says whether it keeps the web UI from starting. What a step of an installation makes good, doctor finds,
and what doctor finds, a step makes good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sdsetup.command import Command
from sdsetup.launchfile import FILE_NAMES
from sdsetup.text import Text
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.parts import CheckedOut, DamagedPackage, LaunchFileState, ModelFile, Parts

# What a start or a picture can miss. A screenshot or a licence that was deleted is nobody's fault.
_NEEDED = re.compile(r"(?i).+\.(py|js|mjs|css|html|ya?ml|json|txt|bat|sh|ttf|gz|pt|csv)")
_NOT_NEEDED = re.compile(r"(?i)(\.github|test|tests|docs?|assets|screenshots)/.*|readme.*|licen[sc]e.*")
_FREE = frozenset({"pip"})  # updates itself on the person's word, and nothing of the web UI rests on its version


@dataclass(frozen=True, kw_only=True)
class PackageFault:
    """One package that is not as it was locked. `version`: the locked one; `found`: what lies there."""

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
                return Text("{name} is gone", name=self.name)
            case "other":
                return Text(
                    "{name} {found} instead of {version}", name=self.name, found=self.found, version=self.version
                )
            case "twice":
                return Text("{name} is there twice ({found})", name=self.name, found=self.found)
            case "damaged":
                state = "gone" if self.lost else "damaged"
                return Text("{file} of {name} is {state}", name=self.name, file=self.file, state=state)


def package_faults(
    locked: Mapping[str, str],
    packages: tuple[tuple[str, str], ...],
    damaged: tuple[DamagedPackage, ...],
) -> tuple[PackageFault, ...]:
    """What an environment lacks of its lock, package by package. What extensions have added is no fault."""
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
    """Of an environment that is ours; nothing is known of any other."""
    if parts.locked is None:
        return ()
    return package_faults(dict(parts.locked), parts.packages or (), parts.damaged_packages)


def missing_files(checkout: CheckedOut) -> tuple[str, ...]:
    """Files of a checkout that are gone and that something needs; a launch file is judged by itself."""
    return tuple(
        name
        for name in checkout.missing or ()
        if name not in FILE_NAMES.values() and _NEEDED.fullmatch(name) and not _NOT_NEEDED.fullmatch(name)
    )


def owner_command(place: str, family: str) -> str:
    """What gives a folder with all that is in it back to the person; the shell knows the account's name."""
    said = Command(place, family=family)
    if family == "windows":
        return f'icacls {said} /setowner "%USERNAME%" /T /C'
    return f'sudo chown -R "$USER" {said}'


def own_edits(checkout: CheckedOut) -> tuple[str, ...]:
    """Files that somebody has changed; everybody edits the launch files."""
    return tuple(name for name in checkout.changed if name not in FILE_NAMES.values())


def checkout_at(parts: Parts | None, path: str) -> CheckedOut | None:
    found = parts.checkouts if parts is not None else ()
    return next((one for one in found if one.path == path), None)


def whole_at(parts: Parts | None, path: str) -> bool:
    """Whether nothing that is needed is known to be missing of a checkout."""
    found = checkout_at(parts, path)
    return found is None or not missing_files(found)


def damaged_models(parts: Parts, hashes: Mapping[int, str]) -> tuple[ModelFile, ...]:
    """Model files that cannot be loaded, or hold other bytes than were published. `hashes`: size in bytes ->
    SHA-256 of the models that we know; asked only where a deep look has hashed them."""
    return tuple(
        one
        for one in parts.models
        if one.damage is not None
        or (one.sha256 is not None and one.size in hashes and one.sha256 != hashes[one.size])
    )


def lost_flags(file: LaunchFileState, recorded: InstallRecord | None) -> tuple[str, ...]:
    """Flags that the tuning had set and that the launch file does not hold any more."""
    there = set(file.flags)
    return tuple(flag for flag in (recorded.flags if recorded else ()) if flag.split(" ", 1)[0] not in there)


def own_flags(file: LaunchFileState, recorded: InstallRecord | None) -> tuple[str, ...]:
    """Flags in the launch file that the tuning did not set: the person's own."""
    ours = {flag.split(" ", 1)[0] for flag in (recorded.flags if recorded else ())}
    return tuple(flag for flag in file.flags if flag.startswith("-") and flag not in ours)
