"""Versions of drivers, CUDA levels, Pythons and pinned releases."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version


def parse_version(text: str | None) -> Version | None:
    """The numbers of a version alone: "2.7.0+cu128" is 2.7.0, for a build runs what its release runs.

    None where there is no version.
    """
    try:
        return Version(Version(text or "").base_version)
    except InvalidVersion:
        return None


def at_least(version: str | None, least: str) -> bool:
    """Whether this is that version or a newer one; what is no version is older than any."""
    found, wanted = parse_version(version), parse_version(least)
    return found is not None and (wanted is None or found >= wanted)


def driver_words(version: Version) -> str:
    """A driver version as its maker writes it: two digits after the point ("525.60.13", "450.80.02")."""
    major, *rest = version.release
    return ".".join([str(major), *(f"{part:02d}" for part in rest)])
