"""The default install folder."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

from sdsetup.values.facts import Facts

WINDOWS_NAME = "sd-webui"
POSIX_NAME = "stable-diffusion-webui"


def default_folder(facts: Facts, home: str, *, need_bytes: int = 0) -> str:
    """A short, plain path with room for `need_bytes` that needs no administrator rights.

    Windows lets all users create folders in the root of a drive: short, ASCII, outside OneDrive. The drive of
    `home` is used if it has the room, else the fixed drive with the most. Elsewhere, it is the home folder.
    """
    if facts.system.family != "windows":
        return str(PurePosixPath(home) / POSIX_NAME)
    fixed = [d for d in facts.drives if d.kind == "fixed" and not (d.filesystem or "").startswith("FAT")]
    root = f"{PureWindowsPath(home).drive or 'C:'}\\"
    own = next((drive for drive in fixed if drive.root.lower() == root.lower()), None)
    if own is None or (own.free_bytes is not None and own.free_bytes < need_bytes):
        roomy = max(fixed, key=lambda drive: drive.free_bytes or 0, default=None)
        if roomy is not None and (roomy.free_bytes or 0) >= need_bytes:
            root = roomy.root
    return str(PureWindowsPath(root) / WINDOWS_NAME)


def better_folder(facts: Facts, *, need_bytes: int) -> str:
    """The same as text to paste where the home folder is unknown: "~" stands for it."""
    if facts.system.family != "windows":
        return f"~/{POSIX_NAME}"
    return default_folder(facts, "C:\\", need_bytes=need_bytes)
