"""What the standard library says of Linux and macOS beyond their files and programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sdsetup.machine.answers import Volume

if sys.platform != "win32":
    import grp


def groups() -> tuple[str, ...] | None:
    """Names of the groups this process is in; None on Windows."""
    if sys.platform == "win32":
        return None
    found = []
    for number in sorted({os.getgid(), *os.getgroups()}):
        try:
            found.append(grp.getgrgid(number).gr_name)
        except KeyError:
            found.append(str(number))  # a container's group without a name
    return tuple(found)


def superuser() -> bool | None:
    return None if sys.platform == "win32" else os.geteuid() == 0


def foreign_owner(path: str | Path, env: Mapping[str, str]) -> bool | None:
    """Whether a path belongs to another account, as git judges it (`safe.directory` in git-config(1))."""
    if sys.platform == "win32":
        return None
    try:
        owner = os.lstat(path).st_uid
    except (OSError, ValueError):
        return None
    me = os.geteuid()
    # Under sudo the files of who called it are their own.
    return owner != me and not (me == 0 and env.get("SUDO_UID") == str(owner))


def libc() -> str | None:
    """The C library, "glibc 2.36"; None where it does not say (musl)."""
    if sys.platform == "win32":
        return None
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return None


def volume(path: str | Path) -> Volume | None:
    """Room on the volume of an existing path. The file system's name stands in /proc/mounts, not here."""
    if sys.platform == "win32":
        return None
    try:
        told = os.statvfs(path)
    except OSError:
        return None
    return Volume(free_bytes=told.f_bavail * told.f_frsize, total_bytes=told.f_blocks * told.f_frsize)
