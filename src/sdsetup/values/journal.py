"""The memory of finished work: step id -> the key it was last done with.

Only a memory: deleting it costs time, never correctness. An entry is removed before its step starts and
written after it ends, so half done never reads as done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdsetup.redaction.secrets import without_secrets
from sdsetup.values.shape import OwnFile

SCHEMA = "sdsetup.journal/1"
FILE = OwnFile(schema=SCHEMA, shape={"steps": {str: {"key": str, "finished_at": str, "result": dict}}})


@dataclass(frozen=True, kw_only=True)
class Entry:
    key: str
    finished_at: str  # ISO 8601, UTC
    result: Mapping[str, Any] = field(default_factory=dict)  # what the step found or made, JSON-able


@dataclass(frozen=True, kw_only=True)
class Journal:
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def done_with(self, step: str, key: str) -> bool:
        entry = self.entries.get(step)
        return entry is not None and entry.key == key

    def result(self, step: str) -> Mapping[str, Any]:
        entry = self.entries.get(step)
        return entry.result if entry else {}

    def without(self, step: str) -> Journal:
        return Journal(entries={name: entry for name, entry in self.entries.items() if name != step})

    def having(self, step: str, entry: Entry) -> Journal:
        return Journal(entries={**self.entries, step: entry})


def to_json(journal: Journal) -> dict[str, Any]:
    steps = {
        name: {"key": entry.key, "finished_at": entry.finished_at, "result": without_secrets(entry.result)}
        for name, entry in journal.entries.items()
    }
    return {"schema": SCHEMA, "steps": steps}


def from_json(value: Any) -> Journal:
    """A journal as it was stored: None, or a value that fits `FILE`."""
    if value is None:
        return Journal()
    return Journal(entries={name: Entry(**_entry(raw)) for name, raw in value["steps"].items()})


def _entry(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: raw[name] for name in ("key", "finished_at", "result")}
