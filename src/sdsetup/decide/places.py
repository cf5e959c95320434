"""Where an installation goes when nobody says where, and where it had better not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from sdsetup.decide.facts import Drive, Family

WINDOWS_NAME = "sd-webui"
POSIX_NAME = "stable-diffusion-webui"


def default_folder(
    family: Family, home: Path, drives: Iterable[Drive] = (), *, need_bytes: int = 0, system_drive: str = "C:"
) -> Path:
    """A short, plain path with room for `need_bytes`, that needs no administrator.

    Windows lets everybody make folders at the top of a drive: short, ASCII, outside OneDrive. The
    system's drive where it has the room, else the fixed drive with the most. Elsewhere the home folder.
    """
    if family != "windows":
        return home / POSIX_NAME
    fixed = [drive for drive in drives if drive.kind == "fixed" and not (drive.filesystem or "").startswith("FAT")]
    root = f"{system_drive}\\"
    own = next((drive for drive in fixed if drive.root.lower() == root.lower()), None)
    if own is None or (own.free_bytes is not None and own.free_bytes < need_bytes):
        roomy = max(fixed, key=lambda drive: drive.free_bytes or 0, default=None)
        if roomy is not None and (roomy.free_bytes or 0) >= need_bytes:
            root = roomy.root
    return Path(str(PureWindowsPath(root, WINDOWS_NAME)))


def better_folder(family: Family, drives: Iterable[Drive], *, need_bytes: int) -> str:
    """The same as a text to paste, where the home folder is not known: "~" stands for it."""
    if family != "windows":
        return f"~/{POSIX_NAME}"
    return str(default_folder(family, Path(), drives, need_bytes=need_bytes))
