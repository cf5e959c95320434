"""A path where an interpreter should be, and who said so."""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Iterable
from typing import NamedTuple

from sdsetup.machine import Machine


class Found(NamedTuple):
    """One candidate."""

    path: str
    origin: str  # pep514, py, path, pyenv, uv, conda


_HOME = re.compile(r"^home\s*=\s*(.+?)\s*$", re.MULTILINE)
_DEEPEST = 4  # environments that were made from environments


def unique(machine: Machine, found: Iterable[Found]) -> list[Found]:
    """Each base interpreter once, by the file behind links; the first who named it counts."""
    kept: dict[str, Found] = {}
    for named in found:
        if (path := base_of(machine, named.path)) is None:
            continue
        one = named._replace(path=path)
        key = machine.resolve(one.path)
        kept.setdefault(key.lower() if machine.family == "windows" else key, one)
    return list(kept.values())


def base_of(machine: Machine, path: str) -> str | None:
    """The interpreter that an environment's Python stands on; any other path as it is.

    What is built on an environment (ours, pipx's, an activated one) ends when that is removed. None where
    the base is not there any more. https://peps.python.org/pep-0405/#specification
    """
    pure = ntpath if machine.family == "windows" else posixpath
    for _ in range(_DEEPEST):
        folder, name = pure.split(path)
        places = (pure.join(folder, "pyvenv.cfg"), pure.join(pure.dirname(folder), "pyvenv.cfg"))
        settings = next((text for place in places if (text := machine.read_text(place)) is not None), None)
        home = _HOME.search(settings) if settings is not None else None
        if home is None:
            return path
        version = re.search(r"^version(?:_info)?\s*=\s*(3\.\d+)", settings or "", re.MULTILINE)
        names = ("python.exe",) if pure is ntpath else (f"python{version[1] if version else 3}", name, "python3")
        there = (pure.join(home[1], named) for named in names)
        base = next((place for place in there if machine.kind(place) != "absent"), None)
        if base is None:
            return None
        path = base
    return None
