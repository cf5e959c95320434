"""Windows: PEP 514 in the registry, the `py` launcher's list, PATH, and our own tools folder's neighbours."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from sdsetup.machine import Machine
from sdsetup.probe.pythons.found import Found

_ROOT = r"Software\Python"
# Machine-wide keys have a 32-bit view of their own; the user's keys do not, but old Pythons wrote there too.
_VIEWS = (("HKCU", 64), ("HKLM", 64), ("HKLM", 32))
_ORIGINS = {"ContinuumAnalytics": "conda", "Astral": "uv"}
_APPS = r"\microsoft\windowsapps" + "\\"
_LAUNCHER_LIMIT = 4.0


def find(machine: Machine) -> Iterator[Found]:
    yield from registered(machine)
    if launcher := machine.which("py"):
        ended = machine.run([launcher, "-0p"], timeout=_LAUNCHER_LIMIT)
        yield from (Found(path=path, origin="py") for path in parse_py_list(ended.out))
    for name in ("python3.10", "python", "python3"):
        if there := machine.which(name):
            yield Found(path=there, origin="path")
    # A stand-in is not always on PATH, but it is what `python` means to a person who has nothing else.
    if local := machine.env.get("LOCALAPPDATA"):
        stub = ntpath.join(local, "Microsoft", "WindowsApps", "python.exe")
        if machine.kind(stub) in ("alias", "file"):
            yield Found(path=stub, origin="store")
    data = Path(machine.env.get("APPDATA") or machine.home / "AppData" / "Roaming")
    for path in machine.glob(data / "uv" / "python", "cpython-3.10.*/python.exe"):
        yield Found(path=str(path), origin="uv")


def registered(machine: Machine) -> Iterator[Found]:
    """Pythons as PEP 514 registers them: Software\\\\Python\\\\COMPANY\\\\TAG\\\\InstallPath."""
    for hive, view in _VIEWS:
        for company in machine.registry_subkeys(hive, _ROOT, view=view):
            if company == "PyLauncher":
                continue  # the launcher itself, not an interpreter
            for tag in machine.registry_subkeys(hive, rf"{_ROOT}\{company}", view=view):
                values = machine.registry_values(hive, rf"{_ROOT}\{company}\{tag}\InstallPath", view=view)
                if path := executable(values or {}):
                    yield Found(path=path, origin=_ORIGINS.get(company, "pep514"))


def executable(values: Mapping[str, Any]) -> str | None:
    """`ExecutablePath`, or python.exe in the folder that the key's default value names."""
    named, folder = values.get("ExecutablePath"), values.get("")
    if isinstance(named, str) and named.strip():
        return named.strip()
    if isinstance(folder, str) and folder.strip():
        return ntpath.join(folder.strip(), "python.exe")
    return None


def parse_py_list(text: str) -> tuple[str, ...]:
    """Paths of `py -0p`, both shapes: " -3.10-64 * C:\\\\...\\\\python.exe" and " -V:3.10 * C:\\\\...".

    Entries without a path (display names, "(venv)") are left out.
    """
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*(?:-V:\S+|-\d[\w.-]*|\*)\s+(?:\*\s*)?(\S.*?)\s*$", line)
        if match and re.match(r'"?(?:[A-Za-z]:[\\/]|\\\\)', match[1]):
            found.append(match[1].strip('"'))
    return tuple(found)


def in_apps_folder(path: str) -> bool:
    """Below WindowsApps lie only the Store's programs and their stand-ins."""
    return _APPS in ntpath.normpath(path).lower() and ":" in path[:3]


def is_embeddable(machine: Machine, path: str) -> bool:
    """The embeddable package keeps a `python310._pth` beside its python.exe: no venv, no pip."""
    if machine.family != "windows":
        return False
    return bool(machine.glob(str(PureWindowsPath(path).parent), "python3*._pth"))
