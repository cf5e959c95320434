"""`D/.sdsetup/measured.json`: what was measured, for each card, driver, torch and web UI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdsetup.decide.measuring.candidates import Measurement
from sdsetup.decide.measuring.winner import Key, from_json, to_json
from sdsetup.execute.own_files import MEASUREMENTS
from sdsetup.storage import read_own, write_json

_KEPT = 12  # keys; a card that is put back finds its own again


def remembered(state: Path, key: Key) -> tuple[Measurement, ...]:
    """What was measured under this key before; nothing where it was for something else.

    Where nothing worked and the last one failed for no reason that settings cure, it is forgotten: whatever it
    was may be repaired by now.
    """
    found = next((found for one in _kept(state) if (found := from_json(one, key))), ())
    hopeless = found and found[-1].outcome == "failed" and not any(one.good for one in found)
    return () if hopeless else found


def remember(state: Path, key: Key, done: Sequence[Measurement]) -> None:
    """Keep what is measured so far, the newest first; written whole, so that a kill loses nothing."""
    others = [one for one in _kept(state) if not (isinstance(one, dict) and one.get("key") == vars(key))]
    newest = [to_json(key, done)] if done else []
    write_json(state / "measured.json", {"schema": MEASUREMENTS.schema, "kept": [*newest, *others][:_KEPT]})


def _kept(state: Path) -> list[Any]:
    stored = read_own(state / "measured.json", MEASUREMENTS).value
    return [] if stored is None else list(stored["kept"])
