"""Whether a repository still holds what we put there and nothing else: only then may it be replaced.

A commit, a branch, a tag, a stash, a hook, a setting, even the trace of a commit that was left again: each
changes some file of `.git`. So all of them are compared at once, with what was there when the clone was made.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.git.program import ask
from sdsetup.storage import read_json, write_json

SCHEMA = "sdsetup.seal/1"
_SEAL = "sdsetup.json"
_SHIFTING = ("index", _SEAL)  # looking refreshes the index; what it says of files is asked of git


def seal(folder: Path) -> None:
    """Note what a repository that was made just now holds.

    Raises:
        OSError: it cannot be read or written.
    """
    git = folder / ".git"
    write_json(git / _SEAL, {"schema": SCHEMA, "sha256": _contents(git)})


def untouched(context: Context, folder: Path) -> bool:
    """Whether nobody has put anything into this repository. A question that fails is a no."""
    return sealed(folder) and _no_changed_files(context, folder)


def sealed(folder: Path) -> bool:
    """Whether the repository itself (not the files that are checked out) is as we made or moved it."""
    git = folder / ".git"
    said = read_json(git / _SEAL)
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        return False
    try:
        return bool(said.get("sha256") == _contents(git))
    except OSError:
        return False


def _no_changed_files(context: Context, folder: Path) -> bool:
    options = ("--porcelain", "-z", "--ignored", "--untracked-files=all", "--ignore-submodules=all")
    status, listed = ask(context, folder, "status", *options), ask(context, folder, "ls-files", "-v", "-z")
    if status is None or listed is None:
        return False
    changed = [name for name in status.split("\0") if name and not name.endswith(".pyc")]
    # A small letter or an S: git was told not to look whether this file has changed.
    hidden = [name for name in listed.split("\0") if name and not name.startswith("H ")]
    return not changed and not hidden


def _contents(git: Path) -> str:
    """A hash of everything in `.git`. Objects are named by their content, so their names and sizes do."""
    digest = hashlib.sha256()
    for path in sorted(_files(git)):
        name = path.relative_to(git)
        if name.as_posix() in _SHIFTING:
            continue
        if path.is_symlink():
            said = os.fsencode(path.readlink())
        elif name.parts[0] == "objects":
            said = str(path.stat().st_size).encode()
        else:
            said = path.read_bytes()
        for part in (os.fsencode(name.as_posix()), said):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = []
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            found += _files(Path(entry.path))
        else:
            found.append(Path(entry.path))
    return found
