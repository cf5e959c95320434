"""Which packages an environment holds and whether their files are whole: told by names and sizes, nothing is run.

A package lies beside a folder NAME-VERSION.dist-info, whose RECORD lists its files with size and SHA-256
(https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from sdsetup.values.contents import DamagedPackage

How = Literal["missing", "size", "content"]

_BLOCK = 2**20  # bytes


def site_packages(venv: Path) -> Path | None:
    """The folder with an environment's packages, None without one."""
    found = [*venv.glob("lib/python3.*/site-packages"), *venv.glob("Lib/site-packages")]
    return found[0] if found else None


def installed(folder: Path) -> tuple[tuple[str, str], ...]:
    """Name and version, local tag included, of every package in a site-packages folder; sorted.

    A package that was exchanged half way is in it twice.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(".dist-info")]
    except OSError:
        return ()
    pairs = (name.removesuffix(".dist-info").partition("-") for name in names)
    return tuple(sorted((canonicalize_name(name), version) for name, _, version in pairs if version))


def damages(folder: Path, *, deep: Collection[str] | None = ()) -> tuple[DamagedPackage, ...]:
    """Packages whose files are not what their RECORD says, one entry each.

    Sizes are compared for all; the content is hashed for the packages in `deep` (None: for all of them).
    """
    sizes = dict(_sizes(folder))
    records = dict(_records(folder))
    claims: dict[str, set[int]] = {}
    for listed in records.values():
        for file, (size, _) in (listed or {}).items():
            claims.setdefault(file, set()).add(size)
    found = []
    for package, listed in sorted(records.items()):
        if listed is None:
            found.append(DamagedPackage(name=package, file="RECORD", how="record"))
            continue
        hashed = deep is None or package in deep
        for file, (_, sha256) in listed.items():
            how = _wrong(folder / file, sizes.get(file), claims[file], sha256 if hashed else "")
            if how is not None:
                found.append(DamagedPackage(name=package, file=file, how=how))
                break
    return tuple(found)


def _wrong(path: Path, size: int | None, wanted: Collection[int], sha256: str) -> How | None:
    """What is wrong with a file. Two packages may bring a file of one name: either is right then."""
    if size is None:
        return "missing"
    if size not in wanted:
        return "size"
    if sha256 and len(wanted) == 1 and _sha256(path) != sha256:
        return "content"
    return None


def _sha256(path: Path) -> str:
    """As RECORD writes it: URL-safe base64 without padding."""
    told = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            told.update(block)
    return base64.urlsafe_b64encode(told.digest()).rstrip(b"=").decode()


def _sizes(folder: Path, below: str = "") -> Iterator[tuple[str, int]]:
    """Every file's size, by its name relative to the first folder. A listing tells sizes without a further
    question for each file on Windows."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _sizes(Path(entry.path), f"{below}{entry.name}/")
            else:
                yield f"{below}{entry.name}", entry.stat().st_size
        except OSError:
            continue  # a link that leads nowhere: its package misses it


def _records(folder: Path) -> Iterator[tuple[str, Mapping[str, tuple[int, str]] | None]]:
    """Package -> file -> size and hash; None for a package whose list is gone.

    Files outside of the folder (programs, which an installer writes anew) and those without a size are left out.
    """
    for info in sorted(folder.glob("*.dist-info")):
        package = canonicalize_name(info.name.partition("-")[0])
        try:
            lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            yield package, None
            continue
        listed = {}
        for row in csv.reader(lines):
            if len(row) == 3 and row[2].isascii() and row[2].isdigit() and not _elsewhere(row[0]):
                sha256 = row[1].removeprefix("sha256=") if row[1].startswith("sha256=") else ""
                listed[row[0].replace("\\", "/")] = (int(row[2]), sha256)
        yield package, listed


def _elsewhere(name: str) -> bool:
    """Outside of the folder, or bytecode, which Python makes anew."""
    return name.startswith(("..", "/", "\\")) or ":" in name or "/../" in name or "__pycache__/" in name
