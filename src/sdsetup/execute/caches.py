"""Our own cache: how much it holds, and emptying it without disturbing another run.

`SDSETUP_CACHE_DIR` may name a folder in which other things lie, even under the names that we use. So each
folder that we make gets a tag (https://bford.info/cachedir/) with our name in it, and only those are emptied.
"""

from __future__ import annotations

import os
from pathlib import Path

from sdsetup.execute.folders import remove_tree
from sdsetup.execute.kept import size_of
from sdsetup.storage import write_atomically

# Not among them: locks, which another run may hold at this moment, and the practice run's installation.
_FOLDERS = ("bytecode", "downloads", "kit", "resolutions", "uv", "wheels", "rehearsal/stand-ins")
TAG = "CACHEDIR.TAG"
_OURS = b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder was made by sdsetup and can be made again.\n"


def claim(cache: Path) -> None:
    """Make our folders of the cache where they are not there yet, tagged as ours.

    Raises:
        OSError: the cache cannot be written.
    """
    for name in _FOLDERS:
        folder = cache / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        write_atomically(folder / TAG, _OURS)


def cache_size(cache: Path) -> int:
    """Bytes of what `empty_cache` would remove."""
    return sum(size_of(folder) for folder in our_folders(cache))


def empty_cache(cache: Path) -> int:
    """Remove the folders that we made; returns the bytes that were freed."""
    before = cache_size(cache)
    for folder in our_folders(cache):
        remove_tree(folder, last=TAG)
    return before - cache_size(cache)


def our_folders(cache: Path) -> list[Path]:
    """The folders of the cache that we made, those that are there."""
    return [folder for name in _FOLDERS if _tagged(folder := cache / name)]


def _tagged(folder: Path) -> bool:
    # A link would lead out of the cache, and a folder that it names is not one that we made.
    if os.path.realpath(folder) != os.path.join(os.path.realpath(folder.parent), folder.name):  # noqa: PTH118 - of a string
        return False
    try:
        return (folder / TAG).read_bytes() == _OURS
    except OSError:
        return False
