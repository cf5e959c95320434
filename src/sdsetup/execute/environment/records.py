"""Whether installed packages still are what they were made as, by their RECORD.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file

Files of environments are hard links into uv's cache where the file system has no copy-on-write: a file
that is damaged in place is damaged in the cache too, and would come back with the next environment.
Copies instead would cost 31 s and 5.7 GB for each environment; reading what comes from the cache costs 5 s.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from packaging.utils import canonicalize_name

_CHUNK = 2**20

_log = logging.getLogger("sdsetup.environment")


@dataclass(frozen=True, kw_only=True)
class _Line:
    path: Path
    sha256: str | None  # URL-safe base64 without padding, as RECORD has it
    size: int | None


@dataclass(frozen=True, kw_only=True)
class Records:
    """`cache`: where it is remembered which packages were made with a RECORD that does not fit them."""

    cache: Path

    def damaged(self, packages: Path, names: Collection[str] | None = None, *, deep: bool) -> frozenset[str]:
        """Names of packages in a site-packages folder of which a file is missing, or not what it was.

        Sizes tell in a tenth of a second; with `deep` every byte is read. `names`: only these packages.
        """
        infos = {name: info for name, info in _installed(packages).items() if names is None or name in names}
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            fits = pool.map(partial(_fits, deep=deep), infos.values())
            wrong = [name for name, fit in zip(infos, fits, strict=True) if not fit]
        return frozenset(name for name in wrong if not self._made_so(infos[name]).exists())

    def accept(self, packages: Path, names: Collection[str]) -> None:
        """Remember that these, just unpacked from proved wheels, are as their makers made them."""
        infos = _installed(packages)
        for name in self.damaged(packages, names, deep=True):
            _log.warning("%s does not fit its own RECORD, also unpacked anew", name)
            note = self._made_so(infos[name])
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch()

    def never_fitted(self, packages: Path, name: str) -> bool:
        """Whether this package was made with a RECORD that does not fit it."""
        info = _installed(packages).get(canonicalize_name(name))
        return info is not None and self._made_so(info).exists()

    def _made_so(self, info: Path) -> Path:
        try:
            record = (info / "RECORD").read_bytes()
        except OSError:
            record = b""
        digest = hashlib.sha256(record).hexdigest()[:32]
        return self.cache / "records" / f"{info.name.removesuffix('.dist-info')}-{digest}"


def installed(packages: Path) -> dict[str, str]:
    """Name -> version of what is installed in a site-packages folder, told by folder names alone."""
    return {
        name: info.name.removesuffix(".dist-info").partition("-")[2] for name, info in _installed(packages).items()
    }


def _installed(packages: Path) -> Mapping[str, Path]:
    return {canonicalize_name(info.name.partition("-")[0]): info for info in packages.glob("*.dist-info")}


def _fits(info: Path, *, deep: bool) -> bool:
    try:
        return all(_same(line, deep=deep) for line in _lines(info))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError):
        return False


def _lines(info: Path) -> Iterator[_Line]:
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        for name, digest, size in csv.reader(file):
            kind, _, value = digest.partition("=")
            yield _Line(
                path=info.parent / name,
                sha256=value if kind == "sha256" else None,
                size=int(size) if size else None,
            )


def _same(line: _Line, *, deep: bool) -> bool:
    if line.sha256 is None:  # bytecode, and RECORD itself
        return True
    if line.size is not None and line.path.stat().st_size != line.size:
        return False
    if not deep:
        return line.path.exists()
    digest = hashlib.sha256()
    with line.path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() == line.sha256
