"""Which installed packages are not what they were made as, less those whose makers gave them a wrong RECORD.

Files of environments are hard links into uv's cache where the file system has no copy-on-write: a file
that is damaged in place is damaged in the cache too, and would come back with the next environment.
Copies instead would cost 31 s and 5.7 GB for each environment; reading what comes from the cache costs 5 s.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from sdsetup.machine.site_packages import damages
from sdsetup.values.contents import DamagedPackage

_log = logging.getLogger("sdsetup.environment")


@dataclass(frozen=True, kw_only=True)
class Records:
    """`cache`: where it is remembered which packages were made with a RECORD that does not fit them."""

    cache: Path

    def damages(self, packages: Path) -> tuple[DamagedPackage, ...]:
        """Packages in a site-packages folder of which a file is missing or not what it was. Reads every byte."""
        made_so = {name for name, note in self._notes(packages).items() if note.exists()}
        return tuple(one for one in damages(packages, deep=None) if one.name not in made_so)

    def accept(self, packages: Path, names: Collection[str]) -> None:
        """Remember that these, just unpacked from proved wheels, are as their makers made them."""
        notes = self._notes(packages)
        for one in damages(packages, deep=names) if names else ():
            if one.name in names:
                _log.warning("%s does not fit its own RECORD, also unpacked anew", one.name)
                notes[one.name].parent.mkdir(parents=True, exist_ok=True)
                notes[one.name].touch()

    def _notes(self, packages: Path) -> dict[str, Path]:
        """Package -> the file that stands for "made so"."""
        return {
            canonicalize_name(info.name.partition("-")[0]): self.cache / "records" / build
            for info in packages.glob("*.dist-info")
            if (build := build_of(info)) is not None
        }


def build_of(info: Path) -> str | None:
    """What tells one build of a package from another, by its dist-info folder; None where its RECORD is gone."""
    try:
        record = (info / "RECORD").read_bytes()
    except OSError:
        return None
    return f"{info.name.removesuffix('.dist-info')}-{hashlib.sha256(record).hexdigest()[:12]}"
