"""One line of the registry: an installation that a command of ours has worked on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

SCHEMA = "sdsetup.installations/1"


@dataclass(frozen=True, kw_only=True)
class InstallationEntry:
    """`dir` is absolute; the times are ISO 8601 in UTC, None for what has not happened yet."""

    dir: str
    first_seen: str
    last_used: str
    last_start: str | None = None  # the web UI was ready
    last_picture: str | None = None  # a test image was made
    practice: bool = False  # a practice run's stand-ins: never taken for the user's installation


def noted(entries: tuple[InstallationEntry, ...], dir: str, at: str, **news: Any) -> tuple[InstallationEntry, ...]:
    """The entries with this folder as the one that was used last; `news` are fields of its entry."""
    old = next((entry for entry in entries if entry.dir == dir), None)
    entry = replace(old or InstallationEntry(dir=dir, first_seen=at, last_used=at), last_used=at, **news)
    return (entry, *(other for other in entries if other.dir != dir))


def to_json(entries: tuple[InstallationEntry, ...]) -> dict[str, Any]:
    names = [field.name for field in fields(InstallationEntry)]
    return {
        "schema": SCHEMA,
        "installations": [{name: getattr(entry, name) for name in names} for entry in entries],
    }


def from_json(value: Any) -> tuple[InstallationEntry, ...]:
    """The entries in a JSON value, the one that was used last first; what is damaged is left out."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        return ()
    raw = value.get("installations")
    found = [_entry(one) for one in raw] if isinstance(raw, list) else []
    entries = [entry for entry in found if entry is not None]
    return tuple(sorted(entries, key=lambda entry: entry.last_used, reverse=True))


def _entry(raw: Any) -> InstallationEntry | None:
    if not isinstance(raw, dict) or not all(_text(raw.get(name)) for name in ("dir", "first_seen", "last_used")):
        return None
    return InstallationEntry(
        dir=raw["dir"],
        first_seen=raw["first_seen"],
        last_used=raw["last_used"],
        last_start=_text(raw.get("last_start")),
        last_picture=_text(raw.get("last_picture")),
        practice=raw.get("practice") is True,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
