"""What a step back would bring."""

from __future__ import annotations

from dataclasses import dataclass

from sdsetup.values.install_record import InstallRecord
from sdsetup.values.shape import OwnFile

FILE = OwnFile(schema="sdsetup.undo/1", shape={"at": str, "environment": (str, None)})


@dataclass(frozen=True, kw_only=True)
class Point:
    """`at`: when it was kept (ISO 8601, UTC); `environment`: whether another Python environment comes back,
    `environment_gone`: it was deleted; `code`: whether another commit of the web UI does.

    `reason`: what was done next ("install", "settings", "update", "undo"). `bytes`: on the disk, with the
    environment that is kept for it. `models_since`: model files that were added after it; they stay.
    """

    at: str
    machine: InstallRecord
    environment: bool
    number: int = 1
    reason: str = "install"
    detail: str = ""
    environment_gone: bool = False
    commit: str | None = None
    code: bool = False
    bytes: int = 0
    models_since: tuple[str, ...] = ()
