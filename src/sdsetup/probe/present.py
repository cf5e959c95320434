"""What lies in the installation folder already: heads, sizes, launch files. Reads a few small files only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sdsetup.decide.folders import WEBUI_NEEDS
from sdsetup.decide.launcher import FILE_NAMES
from sdsetup.decide.present import Present
from sdsetup.decide.request import LauncherKind

_COMMIT = re.compile(r"[0-9a-f]{40}")


def look(
    folder: Path,
    *,
    repositories: Iterable[str],
    files: Sequence[str],
    launch_files: Iterable[LauncherKind],
    tools: Path,
) -> Present:
    """Ask the folder; what is absent or cannot be read is left out."""
    heads = {name: head for name in ("", *repositories) if (head := head_of(folder / name)) is not None}
    sizes = {name: size for name in files if (size := _size(folder / name)) is not None}
    begun = {name: size for name in files if (size := _size(folder / f"{name}.part")) is not None}
    contents = {
        kind: content for kind in launch_files if (content := _bytes(folder / FILE_NAMES[kind])) is not None
    }
    git = tools / "mingit" / "cmd" / "git.exe"
    return Present(
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


def head_of(repository: Path) -> str | None:
    """The commit that HEAD names, read from the files of `.git` (no git needed, no process started)."""
    git = repository / ".git"
    said = _line(git / "HEAD")
    if said is None or not said.startswith("ref: "):
        return said if said is not None and _COMMIT.fullmatch(said) else None
    reference = said.removeprefix("ref: ")
    loose = _line(git / reference)
    if loose is not None:
        return loose if _COMMIT.fullmatch(loose) else None
    packed = _bytes(git / "packed-refs") or b""
    for line in packed.decode("utf-8", errors="replace").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _COMMIT.fullmatch(commit):
            return commit
    return None


def _line(path: Path) -> str | None:
    content = _bytes(path)
    return None if content is None else content.decode("utf-8", errors="replace").strip()


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
