"""A .lnk file, written by Windows' own shell through comtypes."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_link(file: Path, program: str, arguments: str, *, folder: str, description: str) -> None:
    """Save a shortcut. `arguments`: the rest of the command line, quoted for Windows; `folder`: where it starts.

    Raises:
        OSError: Windows refused.
    """
    # Only Windows has it, and importing it starts COM.
    import comtypes
    from comtypes.persist import IPersistFile
    from comtypes.shelllink import IShellLinkW, ShellLink

    try:
        link: Any = comtypes.CoCreateInstance(ShellLink._reg_clsid_, interface=IShellLinkW)
        link.SetPath(program)
        link.SetArguments(arguments)
        link.SetWorkingDirectory(folder)
        link.SetDescription(description)
        link.QueryInterface(IPersistFile).Save(str(file), True)
    except comtypes.COMError as error:
        raise OSError(f"the shell reported 0x{error.hresult & 0xFFFFFFFF:08X}") from error
