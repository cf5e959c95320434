"""A path where an interpreter should be, and who said so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sdsetup.machine import Machine


class Found(NamedTuple):
    """One candidate."""

    path: str
    origin: str  # pep514, py, path, pyenv, uv, conda


def unique(machine: Machine, found: Iterable[Found]) -> list[Found]:
    """Each interpreter once, by the file behind links; the first who named it counts."""
    kept: dict[str, Found] = {}
    for one in found:
        key = machine.resolve(one.path)
        kept.setdefault(key.lower() if machine.family == "windows" else key, one)
    return list(kept.values())
