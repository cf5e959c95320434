"""The files that we keep in an installation's `.sdsetup`: read, and set aside when they are damaged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from sdsetup.storage import read_own, set_aside_damaged
from sdsetup.text import Text
from sdsetup.values import corrections as learned
from sdsetup.values import install_record as record_of
from sdsetup.values import journal, undo_point
from sdsetup.values.corrections import Corrections
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.journal import Journal
from sdsetup.values.shape import OwnFile

_log = logging.getLogger("sdsetup.own_files")

# `measured.json`: what was measured under each of the last keys.
MEASUREMENTS = OwnFile(
    schema="sdsetup.measurements/1", shape={"kept": [{"schema": str, "key": dict, "measurements": [dict]}]}
)
# The file, what it must look like, what it is to a user, and what goes aside with it.
_KEPT: tuple[tuple[str, OwnFile, Text, str], ...] = (
    ("journal.json", journal.FILE, Text("the record of finished steps"), "journal.json"),
    ("machine.json", record_of.FILE, Text("the record of this installation's settings"), "machine.json"),
    ("learned.json", learned.FILE, Text("what is known about this graphics card"), "learned.json"),
    ("measured.json", MEASUREMENTS, Text("the measurements of this graphics card"), "measured.json"),
    ("undo/point.json", undo_point.FILE, Text("the record of what `sdsetup undo` restores"), "undo"),
    ("undo/machine.json", record_of.FILE, Text("the record of what `sdsetup undo` restores"), "undo"),
)


def load_journal(state: Path) -> Journal:
    return journal.from_json(read_own(state / "journal.json", journal.FILE).value)


def load_corrections(state: Path) -> Corrections:
    return learned.from_json(read_own(state / "learned.json", learned.FILE).value)


def load_machine(state: Path) -> InstallRecord | None:
    return record_of.from_json(read_own(state / "machine.json", record_of.FILE).value)


def set_damaged_aside(state: Path) -> Iterator[Text]:
    """Set every damaged file of ours aside and tell of each. For commands that may change the folder.

    Raises:
        OSError: a damaged file cannot be renamed.
    """
    for name, kind, what, goes in _KEPT:
        damage = read_own(state / name, kind).damage
        if damage is None or not (state / goes).exists():
            continue
        aside = set_aside_damaged(state / goes)
        _log.warning("%s: %s; set aside as %s", state / name, damage, aside)
        yield Text(
            "{file} ({what}) is damaged: {why}. It is kept as {aside}, and a new file will be created.",
            file=name,
            what=what,
            why=damage,
            aside=aside.name,
        )
