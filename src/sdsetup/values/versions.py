"""Version numbers as tuples of integers: enough for drivers, CUDA levels and pinned releases."""

from __future__ import annotations

import re

Version = tuple[int, ...]


def parse_version(text: str | None) -> Version | None:
    """The leading numbers of a version: "2.7.0+cu128" is (2, 7, 0); None where there is none."""
    found = re.match(r"\s*v?(\d+(?:\.\d+)*)", text or "")
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def same_or_newer(version: Version, wanted: Version) -> bool:
    """Compared part by part, missing parts count as zero: 528.33 is 528.33.0."""
    length = max(len(version), len(wanted))
    return _padded(version, length) >= _padded(wanted, length)


def written(version: Version) -> str:
    """A driver version as its maker writes it: two digits after the point ("525.60.13", "450.80.02")."""
    return ".".join([str(version[0]), *(f"{part:02d}" for part in version[1:])]) if version else ""


def _padded(version: Version, length: int) -> Version:
    return version + (0,) * (length - len(version))
