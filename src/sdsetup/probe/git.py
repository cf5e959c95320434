"""Git: where it is and which version."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath
from typing import Any

from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.storage import data_folder
from sdsetup.values.facts import Git

_LIMIT = 4.0


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    for path in places(machine):
        ended = machine.run([path, "--version"], timeout=_LIMIT)
        if ended.ok and "git version" in ended.out:
            return {"git": Git(path=path, version=parse_version(ended.out))}
        if ended.problem == "timeout":
            raise TimeoutError(f"{path} --version did not end within {_LIMIT:g} s")
    if machine.family == "windows" and (brought := _brought(machine)):
        ended = machine.run([brought, "--version"], timeout=_LIMIT)
        if ended.ok:
            return {"git": Git(path=brought, version=parse_version(ended.out))}
    # On macOS /usr/bin/git without the command line tools is a stand-in that fails: no git.
    return {"git": None}


def places(machine: Machine) -> list[str]:
    """The git of PATH, then where Git for Windows puts itself: a running window does not see a new PATH."""
    found = [path] if (path := machine.which("git")) else []
    if machine.family == "windows":
        key = machine.registry_values("HKLM", r"SOFTWARE\GitForWindows") or machine.registry_values(
            "HKCU", r"SOFTWARE\GitForWindows"
        )
        roots = [(key or {}).get("InstallPath"), r"C:\Program Files\Git"]
        if local := machine.env.get("LOCALAPPDATA"):
            roots.append(str(PureWindowsPath(local, "Programs", "Git")))
        for root in roots:
            if isinstance(root, str) and root:
                path = str(PureWindowsPath(root, "cmd", "git.exe"))
                if path not in found and machine.exists(path):
                    found.append(path)
    return found


def _brought(machine: Machine) -> str | None:
    """The MinGit that an earlier run put into our tools folder."""
    path = str(data_folder(machine.env) / "tools" / "mingit" / "cmd" / "git.exe")
    return path if machine.exists(path) else None


def parse_version(text: str) -> tuple[int, ...] | None:
    """`git --version`: "git version 2.47.1.windows.1" is (2, 47, 1)."""
    match = re.search(r"git version (\d{1,4}(?:\.\d{1,4}){1,3})", text)
    return tuple(int(part) for part in match[1].split(".")) if match else None
