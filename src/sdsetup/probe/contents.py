"""What lies in the installation folder already: heads, sizes, launch files. Reads a few small files only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sdsetup.decide.default_folder import WEBUI_NEEDS
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
        heads=heads,
        sizes=sizes,
        begun=begun,
        launch_files=contents,
        damaged=damaged_files(folder) if "" in heads else (),
        git=str(git) if git.is_file() else None,
    )


def damaged_files(folder: Path) -> tuple[str, ...]:
    """What the web UI cannot do without and what is missing, or a list of packages that is not UTF-8 text."""
    return tuple(name for name in WEBUI_NEEDS if not _as_needed(folder / name))


def _as_needed(path: Path) -> bool:
    content = _bytes(path) if path.suffix == ".txt" else None
    if content is None:  # a folder, a program, or a file that may not be read: the step that needs it says so
        return os.path.lexists(path)
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


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
