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


def driver_words(version: Version) -> str:
    """A driver version as its maker writes it: two digits after the point ("525.60.13", "450.80.02")."""
    major, *rest = version.release
    return ".".join([str(major), *(f"{part:02d}" for part in rest)])
