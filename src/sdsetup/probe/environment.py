"""The Python environment of an installation, told by its files: nothing in it is started while looking."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath

from sdsetup.machine import Machine
from sdsetup.probe.repository import on_a_server
from sdsetup.values.layout import python_in

Version = tuple[int, int, int]
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")


def read_environment(machine: Machine, venv: Path) -> tuple[Version | None, str | None]:
    """The version of an environment's Python, else what is missing of it; both None without an environment.

    Files can only say that it looks whole. Whether it starts is asked where it is used, after consent.
    """
    if machine.kind(venv) != "folder":
        return None, None
    python = python_in(venv, machine.family)
    if not machine.exists(python):
        return None, "its Python is missing"
    if machine.read_text(python, 4) == "":
        return None, "its Python is an empty file"
    settings = parse_pyvenv(machine.read_text(venv / "pyvenv.cfg", 65_536) or "")
    version = version_of(settings) or _conda_version(machine, venv)
    if version is None:
        return None, "its pyvenv.cfg is missing or damaged"
    home = settings.get("home", "")
    if home and not on_a_server(home) and not _has_python(machine, home):
        return None, f"the Python that it was created with is missing ({home})"
    return version, None


def parse_pyvenv(text: str) -> dict[str, str]:
    """`name = value` lines of pyvenv.cfg (https://docs.python.org/3/library/venv.html), names in lower case."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def version_of(settings: dict[str, str]) -> Version | None:
    """`version` as venv writes it, `version_info` as virtualenv and uv do ("3.10.13.final.0")."""
    for name in ("version", "version_info"):
        if match := _VERSION.match(settings.get(name, "")):
            return int(match[1]), int(match[2]), int(match[3])
    return None


def torch_version(machine: Machine, venv: Path) -> str | None:
    """The torch in an environment by the name of its metadata folder: importing it would run it."""
    for pattern in ("lib/python3*/site-packages/torch-*.dist-info", "Lib/site-packages/torch-*.dist-info"):
        for found in machine.glob(venv, pattern):
            return found.name.removeprefix("torch-").removesuffix(".dist-info")
    return None


def _conda_version(machine: Machine, venv: Path) -> Version | None:
    """A conda environment has no pyvenv.cfg but a list of its packages."""
    for found in machine.glob(venv / "conda-meta", "python-3.*.json"):
        if match := _VERSION.match(found.name.removeprefix("python-")):
            return int(match[1]), int(match[2]), int(match[3])
    return None


def _has_python(machine: Machine, home: str) -> bool:
    """On Windows an environment's python.exe only starts the one in `home`; elsewhere it is a link there."""
    if machine.family == "windows":
        return machine.exists(str(PureWindowsPath(home, "python.exe")))
    return machine.kind(home) == "folder"
