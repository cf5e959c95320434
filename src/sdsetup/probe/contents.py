"""What lies in the installation folder already: heads, sizes, launch files. Reads a few small files only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sdsetup.launchfile import FILE_NAMES
from sdsetup.machine import Machine
from sdsetup.probe.repository import read_repository
from sdsetup.values.contents import Contents
from sdsetup.values.request import LauncherKind


def look(
    machine: Machine,
    folder: Path,
    *,
    repositories: Iterable[str],
    files: Sequence[str],
    launch_files: Iterable[LauncherKind],
    tools: Path,
) -> Contents:
    """Ask the folder; what is absent or cannot be read is left out."""
    found = {name: read_repository(machine, folder / name) for name in ("", *repositories)}
    heads = {name: one.commit for name, one in found.items() if one is not None and one.commit is not None}
    sizes = {name: size for name in files if (size := _size(folder / name)) is not None}
    begun = {name: size for name in files if (size := _size(folder / f"{name}.part")) is not None}
    contents = {
        kind: content for kind in launch_files if (content := _bytes(folder / FILE_NAMES[kind])) is not None
    }
    git = tools / "mingit" / "cmd" / "git.exe"
    return Contents(
        heads=heads, sizes=sizes, begun=begun, launch_files=contents, git=str(git) if git.is_file() else None
    )


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):
        return None
