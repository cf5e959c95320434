"""The folder for a new installation on this machine, or of the one that is there."""

from __future__ import annotations

from pathlib import Path

from sdsetup.decide import places
from sdsetup.machine import Machine
from sdsetup.probe.folder import state_of


def default_folder(machine: Machine, *, need_bytes: int = 0) -> Path:
    """Where to look and to install when nobody says where: an installation at a usual place comes first."""
    drives = machine.drives()
    drive = machine.env.get("SYSTEMDRIVE") or "C:"
    chosen = places.default_folder(
        machine.family, machine.home, drives, need_bytes=need_bytes, system_drive=drive
    )
    usual = [chosen, *(Path(drive.root) / places.WINDOWS_NAME for drive in drives if drive.kind == "fixed")]
    return next((place for place in usual if state_of(machine, place)[0] == "webui"), chosen)
