"""The volume of the target folder: room, file system, the largest file that fits, what kind of drive it is."""

from __future__ import annotations

import ntpath
import re
from pathlib import Path
from typing import Any, Literal

from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.probe.system.linux import is_wsl
from sdsetup.values.facts import Disk

# FAT32 keeps a file's size in 32 bits: https://learn.microsoft.com/previous-versions/aa365678(v=vs.85)
_LARGEST_ON_FAT = 2**32 - 1
_FAT = frozenset({"fat", "fat16", "fat32", "vfat", "msdos"})
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afpfs", "webdav", "fuse.sshfs", "fuse.rclone"}
)


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    place = asked.standing
    found = look(machine, place)
    temp = temp_folder(machine)
    apart = temp is not None and machine.kind(temp) == "folder" and _root(machine, temp) != _root(machine, place)
    return {"disk": found, "temp": look(machine, temp) if apart and temp is not None else None}


def ask_drives(asked: Asked) -> dict[str, Any]:
    return {"drives": asked.machine.drives()}


def look(machine: Machine, place: Path) -> Disk:
    """The volume of an existing folder."""
    volume = machine.volume(place)
    if volume is None:
        raise OSError(f"the system does not report the volume of {place}")
    filesystem = volume.filesystem
    kind: Literal["fixed", "removable", "network", "other"] | None = volume.kind
    if machine.family != "windows":
        mount = _mount(machine, place)
        filesystem = filesystem or (mount[1] if mount else None)
        if kind is None and filesystem is not None:
            # WSL shows the drives of Windows through 9p.
            there = filesystem.lower() in _NETWORK and not (filesystem == "9p" and is_wsl(machine))
            kind = "network" if there else "fixed"
    fat = filesystem is not None and filesystem.lower() in _FAT
    return Disk(
        free_bytes=volume.free_bytes,
        total_bytes=volume.total_bytes,
        filesystem=filesystem,
        max_file_bytes=_LARGEST_ON_FAT if fat else None,
        drive=kind,
    )


def temp_folder(machine: Machine) -> Path | None:
    """Where programs put their temporary files, as Python itself would choose."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        if value := machine.env.get(name):
            return Path(value)
    return None if machine.family == "windows" else Path("/tmp")  # noqa: S108 - only asked about, nothing is put there


def parse_mounts(text: str) -> tuple[tuple[str, str], ...]:
    """Mount point and file system of each line of /proc/mounts, octal escapes undone."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3:
            found.append((re.sub(r"\\([0-3][0-7]{2})", lambda m: chr(int(m[1], 8)), words[1]), words[2]))
    return tuple(found)


def parse_mount_program(text: str) -> tuple[tuple[str, str], ...]:
    """The same from macOS' `mount`: "/dev/disk3s5 on /Volumes/Data (apfs, local, journaled)"."""
    return tuple(re.findall(r"^.*? on (/.*?) \((\w+)", text, re.MULTILINE))


def holding(mounts: tuple[tuple[str, str], ...], path: str) -> tuple[str, str] | None:
    """The mount that holds a path: the longest mount point above it, the last one mounted there."""
    best: tuple[str, str] | None = None
    for point, filesystem in mounts:
        above = path == point or path.startswith(point.rstrip("/") + "/")
        if above and (best is None or len(point) >= len(best[0])):
            best = (point, filesystem)
    return best


def _mount(machine: Machine, place: Path) -> tuple[str, str] | None:
    if machine.family == "linux":
        mounts = parse_mounts(machine.read_text("/proc/mounts") or "")
    else:
        mounts = parse_mount_program(machine.run(["mount"], timeout=3).out)
    return holding(mounts, machine.resolve(place))


def _root(machine: Machine, place: Path) -> str:
    if machine.family == "windows":
        return ntpath.splitdrive(str(place))[0].lower()
    mount = _mount(machine, place)
    return mount[0] if mount else "/"
