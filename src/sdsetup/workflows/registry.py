"""Which installations there are: a small list in our data folder, a memory of what commands have worked on.

Losing it costs nothing but comfort: an installation at a usual place is found without it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sdsetup.machine import Machine
from sdsetup.probe.folder import state_of
from sdsetup.storage import data_folder, lock_on, read_json, write_json
from sdsetup.values.installation_entry import InstallationEntry, from_json, noted, to_json
from sdsetup.values.layout import PRACTICE_MARK, state_folder

Entries = tuple[InstallationEntry, ...]

_PATIENCE = 5.0  # seconds for another run of ours to write its line
_log = logging.getLogger("sdsetup.registry")


def known(machine: Machine) -> tuple[InstallationEntry, ...]:
    """Installations whose folder is there and still holds a web UI, the one that was used last first.

    A folder that is gone, or lies on a drive that is not plugged in, stays in the list and is left out here.
    """
    return tuple(entry for entry in remembered(machine) if state_of(machine, Path(entry.dir))[0] == "webui")


def remembered(machine: Machine) -> tuple[InstallationEntry, ...]:
    """Every entry, those of folders that are gone included."""
    return from_json(read_json(_path(machine)))


def note(machine: Machine, folder: Path, *, started: bool = False, pictured: bool = False) -> None:
    """Remember that this installation was used just now; `started`: its web UI was ready; `pictured`: it made
    a proof picture. A list that cannot be written is no reason to stop."""
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    news: dict[str, Any] = {"practice": (state_folder(folder) / PRACTICE_MARK).is_file()}
    if started or pictured:
        news["last_start"] = at
    if pictured:
        news["last_picture"] = at
    _change(machine, lambda entries: noted(entries, str(folder.absolute()), at, **news))


def forget(machine: Machine, folder: Path) -> None:
    """Take an installation out of the list."""
    gone = os.path.normcase(folder.absolute())
    _change(machine, lambda entries: tuple(entry for entry in entries if os.path.normcase(entry.dir) != gone))


def _path(machine: Machine) -> Path:
    return data_folder(machine.env) / "installations.json"


def _change(machine: Machine, how: Callable[[Entries], Entries]) -> None:
    """Read, change and write the list; of two runs at once one waits for the other."""
    path = _path(machine)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock_on(path.with_suffix(".lock"), patience=_PATIENCE):
            write_json(path, to_json(how(remembered(machine))))
    except OSError as error:
        _log.warning("the list of installations could not be written: %s", error)
