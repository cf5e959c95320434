"""Linux and macOS: PATH, pyenv, uv, Homebrew and python.org's framework."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sdsetup.machine import Machine
from sdsetup.probe.pythons.found import Found

# 3.10 first, for the web UI was written for it; `python3` says what there is instead.
_NAMES = ("python3.10", "python3.11", "python3", "python")
_WANTED = ("3.10", "3.11")
_FIXED = (
    "/opt/homebrew/bin/python{minor}",
    "/usr/local/bin/python{minor}",
    "/Library/Frameworks/Python.framework/Versions/{minor}/bin/python{minor}",
)


def find(machine: Machine) -> Iterator[Found]:
    """Candidates in order of preference. Environments of conda and venv on PATH are named as they are."""
    for name in _NAMES:
        # pyenv's shims are scripts that choose by folder and are slow to ask; what is behind them comes below.
        if (path := machine.which(name)) and "/shims/" not in path:
            yield Found(path=path, origin=origin_of(machine, path))
    pyenv = Path(machine.env.get("PYENV_ROOT") or machine.home / ".pyenv") / "versions"
    data = Path(machine.env.get("XDG_DATA_HOME") or machine.home / ".local" / "share")
    uv = Path(machine.env.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for minor in _WANTED:
        for root, pattern, origin in (
            (pyenv, f"{minor}.*/bin/python{minor}", "pyenv"),
            (uv, f"cpython-{minor}.*/bin/python{minor}", "uv"),
        ):
            # The newest patch release is enough.
            for found in newest(machine.glob(root, pattern)):
                yield Found(path=str(found), origin=origin)
        for place in _FIXED:
            if machine.kind(named := place.format(minor=minor)) == "file":
                yield Found(path=named, origin="path")


def origin_of(machine: Machine, path: str) -> str:
    real = machine.resolve(path)
    if re.search(r"conda|mamba|miniforge", real):
        return "conda"
    return "pyenv" if "/.pyenv/" in path or "/.pyenv/" in real else "path"


def newest(paths: tuple[Path, ...]) -> list[Path]:
    """The one with the highest version number in its path: 3.10.13 is after 3.10.6."""

    def version(path: Path) -> list[int]:
        found = re.search(r"3\.(\d{1,3})\.(\d{1,3})", str(path))
        return [int(part) for part in found.groups()] if found else []

    return sorted(paths, key=version)[-1:]
