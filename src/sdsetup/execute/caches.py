"""Our own cache: how much it holds, and emptying it without disturbing another run."""

from __future__ import annotations

import os
from pathlib import Path

from sdsetup.execute.folders import remove_tree

_KEPT = ("locks",)  # another run may hold one at this moment


def cache_size(cache: Path) -> int:
    """Bytes of the files below our cache folder; 0 when there is none."""
    total = 0
    for root, _folders, files in os.walk(cache):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 - thousands of files
            except OSError:
                continue
    return total


def same_disk(one: Path, other: Path) -> bool:
    """Whether two paths lie on one volume; asked at the nearest parents that exist."""
    devices = set()
    for path in (one, other):
        for place in (path, *path.parents):
            try:
                devices.add(place.stat().st_dev)
            except OSError:
                continue
            break
    return len(devices) == 1


def empty_cache(cache: Path) -> int:
    """Remove what can be made again; returns the bytes that were freed."""
    before = cache_size(cache)
    for entry in cache.iterdir() if cache.is_dir() else ():
        if entry.name not in _KEPT:
            remove_tree(entry)
    return before - cache_size(cache)
