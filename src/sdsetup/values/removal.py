"""What an uninstall or a clean removes, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sdsetup.text import Text


@dataclass(frozen=True, kw_only=True)
class Item:
    """`path`: a file or folder, or the folder in which `files` lie (relative names, forward slashes).

    `bytes`: of its files. `why`: the reason for which it stays.
    """

    kind: str  # kebab-case, stable
    what: Text
    path: Path
    bytes: int
    files: tuple[str, ...] = ()
    why: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Removal:
    """`frees`: bytes that are free afterwards: files that other links keep alive don't count."""

    dir: Path
    goes: tuple[Item, ...] = ()
    stays: tuple[Item, ...] = ()
    frees: int = 0
    blobs: dict[str, str] = field(default_factory=dict)  # file of the web UI -> its git blob id
