"""Before the first byte: can this folder take the file?"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.download import problems
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.execute.folders import inside
from sdsetup.machine import Machine
from sdsetup.values.plan import FetchFile

FAT32_LARGEST = 2**32 - 1


def target_of(file: FetchFile, context: Context) -> Path:
    """Where the file goes.

    Raises:
        SdsetupError: what `inside` refuses.
    """
    return inside(file.save_as, context.dir)


def check_folder(target: Path) -> None:
    """Make the folder and write to it.

    Raises:
        SdsetupError: `target-in-the-way`, `not-writable`, `path-too-long`, `disk-full`.
    """
    if target.is_dir():
        raise problems.in_the_way(target, folder=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent) as file:
            file.write(b"sdsetup")
    except (FileExistsError, NotADirectoryError) as error:
        raise problems.in_the_way(Path(error.filename or target.parent), folder=False) from error
    except OSError as error:
        raise problems.disk_problem(error, target, kept=0, size=0) from error


def check_room(target: Path, context: Context, *, kept: int, size: int, options: DownloadOptions) -> None:
    """Is there room for what is still missing, and may a file be that large here?

    Raises:
        SdsetupError: `disk-full`, `file-too-large-for-drive`.
    """
    need = max(0, size - kept) + options.margin_bytes
    free = shutil.disk_usage(target.parent).free
    if need > free:
        raise problems.no_room(target, need=need, free=free, kept=kept, size=size)
    largest = largest_file(target.parent, context.machine)
    if largest is not None and size > largest:
        raise problems.too_large(target, size)


def largest_file(folder: Path, machine: Machine) -> int | None:
    """Bytes of the largest file this folder can hold; None when nothing limits it or it is not known.

    Asked, not tried: extending a file to find out writes gigabytes of zeros on Windows and exFAT.
    """
    if sys.platform == "win32":
        return FAT32_LARGEST if _windows_filesystem(folder) in ("FAT", "FAT32") else None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    own = None if limit == resource.RLIM_INFINITY else limit
    if sys.platform == "darwin":
        small = os.pathconf(folder, "PC_FILESIZEBITS") <= 33
    else:
        small = linux_filesystem(folder, machine.read_text("/proc/self/mountinfo") or "") in ("vfat", "msdos")
    return min(filter(None, (own, FAT32_LARGEST if small else None)), default=None)


def linux_filesystem(folder: Path, mountinfo: str) -> str | None:
    """The type of the file system that holds a folder: the longest mount point above it, the last of equals."""
    resolved = folder.resolve()
    best, kind = -1, None
    for line in mountinfo.splitlines():
        before, _dash, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4]))
        if (point == resolved or point in resolved.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind


def _windows_filesystem(folder: Path) -> str | None:
    if sys.platform != "win32":
        return None
    import ctypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    root = ctypes.create_unicode_buffer(1024)
    name = ctypes.create_unicode_buffer(64)
    if not kernel.GetVolumePathNameW(str(folder), root, 1024):
        return None
    found = kernel.GetVolumeInformationW(root, None, 0, None, None, None, name, 64)
    return name.value.upper() if found else None
