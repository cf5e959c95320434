"""Who installed sdsetup: a starter, the Windows program, pipx, uv, pip, or a developer; told by files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from sdsetup.machine import Machine

# "zip", "winget", "scoop": the Windows program, by how it was unpacked.
Way = Literal["starter", "zip", "winget", "scoop", "pipx", "uv", "source", "pip"]


@dataclass(frozen=True, kw_only=True)
class OwnInstallation:
    """`folder`: where it lies: of the project for a starter or an editable installation, of the unpacked zip.
    `command`: what installs a new version, as arguments; None where there is nothing to type."""

    way: Way
    folder: str | None = None
    clone: bool = False  # the project's folder is a git clone
    command: tuple[str, ...] | None = None


_STAMP = "project "  # a line of the stamp that bootstrap/start.py writes beside its environment


def own_installation(machine: Machine, *, prefix: Path, python: str, data: Path, package: Path) -> OwnInstallation:
    """`prefix`, `python`: of the environment that runs us; `data`: our data folder; `package`: the folder of the
    package's metadata (sdsetup-*.dist-info), or any other where there is none."""
    if machine.resolve(prefix) == machine.resolve(data / "app" / "env"):
        folder = _started_from(machine.read_text(data / "app" / "stamp.txt", 50_000_000) or "")
        return OwnInstallation(way="starter", folder=folder, clone=_is_clone(machine, folder))
    parts = [part.lower() for part in prefix.parts]
    if is_program(machine, prefix):
        return _program(prefix.parent, parts)
    if machine.exists(prefix / "pipx_metadata.json"):
        return OwnInstallation(way="pipx", command=("pipx", "upgrade", "sdsetup"))
    if machine.exists(prefix / "uv-receipt.toml") or parts[-3:-1] == ["uv", "tools"]:
        return OwnInstallation(way="uv", command=("uv", "tool", "upgrade", "sdsetup"))
    folder = parse_editable(machine.read_text(package / "direct_url.json") or "")
    if folder is not None:
        return OwnInstallation(way="source", folder=folder, clone=_is_clone(machine, folder))
    return OwnInstallation(way="pip", command=(python, "-m", "pip", "install", "--upgrade", "sdsetup"))


def is_program(machine: Machine, prefix: Path) -> bool:
    """Is this the Python inside of the Windows program (tools/build-windows)?"""
    return prefix.name.lower() == "python" and machine.exists(prefix.parent / "sdsetup.exe")


def _program(home: Path, parts: list[str]) -> OwnInstallation:
    if "winget" in parts and "packages" in parts:
        return OwnInstallation(way="winget", command=("winget", "upgrade", "sdsetup.sdsetup"))
    if "scoop" in parts and "apps" in parts:
        return OwnInstallation(way="scoop", command=("scoop", "update", "sdsetup"))
    return OwnInstallation(way="zip", folder=str(home))


def parse_editable(text: str) -> str | None:
    """The folder of an editable installation (https://packaging.python.org/specifications/direct-url/)."""
    try:
        said = json.loads(text)
        editable = said["dir_info"]["editable"] is True
        url = urlsplit(str(said["url"]))
    except (ValueError, KeyError, TypeError):
        return None
    if not editable or url.scheme != "file":
        return None
    from urllib.request import url2pathname  # with it come http and email, for a developer's installation only

    return url2pathname(unquote(url.path))


def _started_from(stamp: str) -> str | None:
    lines = [line for line in stamp.splitlines() if line.startswith(_STAMP)]
    return lines[0].removeprefix(_STAMP) if lines else None


def _is_clone(machine: Machine, folder: str | None) -> bool:
    return folder is not None and machine.kind(Path(folder) / ".git") != "absent"
