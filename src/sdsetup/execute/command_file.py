"""A `sdsetup` command within reach: a small file in the own bin folder of the user, where one is on PATH.

Nothing of PATH is changed, and a file that is not ours is never written over.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import file_problems
from sdsetup.machine import Machine
from sdsetup.storage import write_atomically
from sdsetup.text import Text

_SIGN = "made by sdsetup: starts the program in its folder"


def bin_folder(machine: Machine) -> Path | None:
    """The first of the user's own bin folders that exists and is on PATH; None where there is none.

    On Windows it is the one that the system has put on PATH for each user.
    """
    if machine.family == "windows":
        local = machine.env.get("LOCALAPPDATA")
        own = [Path(local) / "Microsoft" / "WindowsApps"] if local else []
    else:
        own = [machine.home / ".local" / "bin", machine.home / "bin"]
    path = {_plain(part) for part in machine.env.get("PATH", "").split(os.pathsep) if part}
    return next((folder for folder in own if _plain(folder) in path and folder.is_dir()), None)


def file_in(folder: Path, family: str) -> Path:
    return folder / ("sdsetup.cmd" if family == "windows" else "sdsetup")


def starter_in(folder: Path, family: str) -> Path | None:
    """What starts sdsetup in its own folder: a starter, or the Windows program."""
    names = ("sdsetup.exe", "sdsetup.bat") if family == "windows" else ("sdsetup.sh",)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def is_ours(file: Path) -> bool:
    try:
        return not file.is_symlink() and _SIGN.encode() in file.read_bytes()[:200]
    except OSError:
        return False


def write(file: Path, starter: Path, machine: Machine) -> None:
    """Make the command start this file.

    Raises:
        SdsetupError: `command-taken` where a file that is not ours has this name; `command-letters` where the
            folder's name cannot be written in a .cmd; the cause when it cannot be written.
    """
    if os.path.lexists(file) and not is_ours(file):
        raise SdsetupError(
            Text("Another program is already named sdsetup"),
            where=file,
            hint=Text("Rename or remove it, then run the same command again."),
            code="command-taken",
        )
    content = _for_cmd(starter, machine) if machine.family == "windows" else _for_sh(starter)
    with file_problems(file, Text("The command file could not be written")):
        write_atomically(file, content)
        if machine.family != "windows":
            file.chmod(0o755)


def _for_sh(starter: Path) -> bytes:
    program = shlex.quote(str(starter))
    return os.fsencode(f'#!/bin/sh\n# {_SIGN}\nSDSETUP_COMMAND=sdsetup exec {program} "$@"\n')


def _for_cmd(starter: Path, machine: Machine) -> bytes:
    page = machine.windows().oem_code_page
    program = str(starter).replace("%", "%%")
    text = f'@rem {_SIGN}\r\n@set "SDSETUP_COMMAND=sdsetup"\r\n@call "{program}" %*\r\n'
    try:
        return text.encode(f"cp{page}" if page else "ascii")
    except (UnicodeEncodeError, LookupError) as error:
        raise SdsetupError(
            Text("The folder name has characters that a .cmd file cannot store on this PC"),
            where=starter.parent,
            hint=Text("Move sdsetup's folder to a path with only plain Latin letters, such as C:\\sdsetup."),
            code="command-letters",
        ) from error


def _plain(path: str | Path) -> str:
    return os.path.normcase(os.path.realpath(path))
