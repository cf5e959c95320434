"""The extensions of an installation, told by files alone: nothing of theirs is run, and git is not asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from sdsetup.machine import Machine
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.probe.repository import Repository, read_repository
from sdsetup.values.extensions import Extension, Extensions, Fight
from sdsetup.values.layout import ENVIRONMENT_MARK

_LARGEST = 1_000_000  # bytes of a requirements.txt


def read_extensions(machine: Machine, folder: Path, *, data: Path, settings: Path) -> Extensions:
    """The extensions below `data` (the folder of `--data-dir`, else the installation's own).

    `settings`: the web UI's config.json. Its `disabled_extensions` names folders, and
    `disable_all_extensions` is "none", "extra" or "all" (modules/extensions.py, v1.10.1).
    """
    said = _json(machine.read_text(settings, 16_000_000))
    said = said if isinstance(said, dict) else {}
    disabled = said.get("disabled_extensions")
    off = {name for name in disabled if isinstance(name, str)} if isinstance(disabled, list) else set()
    there = installed(machine, folder)
    pins = _locked(machine, folder) or there
    found = []
    for path in machine.glob(data / "extensions", "*"):
        if machine.kind(path) == "folder":
            repository = read_repository(machine, path) or Repository()
            text = machine.read_text(path / "requirements.txt", _LARGEST) or ""
            fights, unread = parse_fights(text, pins)
            found.append(
                Extension(
                    name=path.name,
                    path=str(path),
                    enabled=path.name not in off,
                    commit=repository.commit,
                    branch=repository.branch,
                    remote=repository.remote,
                    fights=fights,
                    unread=unread,
                )
            )
    return Extensions(
        found=tuple(found),
        switched_off=said.get("disable_all_extensions") in ("extra", "all"),
        settings=str(settings),
        replaced={
            name: (version, there[name])
            for name, version in sorted(pins.items())
            if name in there and not _same(version, there[name])
        },
    )


def parse_fights(text: str, pins: Mapping[str, str]) -> tuple[tuple[Fight, ...], tuple[str, ...]]:
    """The requirements that a pinned version does not meet, and the lines that cannot be compared.

    `pins`: canonical name -> version. A package that nobody pinned can be installed as the extension likes.
    """
    fights, unread = [], []
    for raw in text.splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if not line:
            continue
        try:
            asked = Requirement(line.split(" --")[0])
        except InvalidRequirement:
            unread.append(line)  # an option, an address, a file
            continue
        pinned = pins.get(canonicalize_name(asked.name))
        if asked.url is not None:
            unread.append(line)
        elif pinned is not None and _applies(asked) and not asked.specifier.contains(pinned, prereleases=True):
            fights.append(Fight(package=asked.name, wants=line, pinned=pinned))
    return tuple(fights), tuple(unread)


def _applies(asked: Requirement) -> bool:
    # Judged for this system; the web UI's Python is the one version it accepts.
    return asked.marker is None or asked.marker.evaluate(
        {"python_version": "3.10", "python_full_version": "3.10.0"}
    )


def installed(machine: Machine, folder: Path) -> dict[str, str]:
    """Canonical name -> version of what lies in the environment, by the names of its metadata folders."""
    found: dict[str, str] = {}
    venv = environment_in_use(machine, folder)
    for pattern in ("lib/python3*/site-packages/*.dist-info", "Lib/site-packages/*.dist-info"):
        for path in machine.glob(venv, pattern):
            name, dash, version = path.name.removesuffix(".dist-info").partition("-")
            if dash:
                found[canonicalize_name(name)] = version
    return found


def _locked(machine: Machine, folder: Path) -> dict[str, str]:
    said = _json(machine.read_text(environment_in_use(machine, folder) / ENVIRONMENT_MARK))
    versions = said.get("versions") if isinstance(said, dict) else None
    if not isinstance(versions, dict):
        return {}
    return {canonicalize_name(str(name)): str(version) for name, version in versions.items()}


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _json(text: str | None) -> Any:
    """The value of a JSON text, None where it is none."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None
