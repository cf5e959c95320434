"""The folder for a new installation on this machine, or of the one that is there."""

from __future__ import annotations

from pathlib import Path

from sdsetup.decide.default_folder import WINDOWS_NAME
from sdsetup.decide.default_folder import default_folder as decide_default
from sdsetup.machine import Machine
from sdsetup.probe.folder import state_of
from sdsetup.values.facts import Facts, System


def default_folder(machine: Machine, *, need_bytes: int = 0) -> Path:
    """Where to look and to install when nobody says where.

    An installation at a usual place comes first: free space changes, and the answer must not change with it.
    """
    facts = Facts(system=System(family=machine.family), drives=machine.drives())
    chosen = Path(decide_default(facts, str(machine.home), need_bytes=need_bytes))
    usual = [chosen, *(Path(drive.root) / WINDOWS_NAME for drive in facts.drives if drive.kind == "fixed")]
    return next((place for place in usual if state_of(machine, place)[0] == "webui"), chosen)
