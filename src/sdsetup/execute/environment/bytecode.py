"""Python's bytecode, made before the first start (which takes twice as long otherwise), once per package.

What was compiled is kept beside the package cache, as hard links. Another environment on the same drive
gets it back in a second, where every source file is the very same (size and time, as Python itself
checks it): https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
"""

from __future__ import annotations

import csv
import hashlib
import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdsetup.execute.folders import remove_tree
from sdsetup.machine.process import Child

# Test suites of packages are never imported; Python compiles them should they be.
_NOT = r"[/\\](tests?|testing[/\\]_internal)[/\\]"
_HEADER = struct.Struct("<4sIII")  # magic, flags, source time, source size (PEP 552)
_KEEP_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class Store:
    """Kept bytecode of one Python version, named by its cache tag ("cpython-310")."""

    cache: Path
    tag: str

    @property
    def folder(self) -> Path:
        return self.cache / "bytecode" / self.tag

    def restore(self, packages: Path) -> tuple[int, int]:
        """Link kept bytecode into a site-packages folder; how many packages had all, and how many there are."""
        complete = 0
        infos = sorted(packages.glob("*.dist-info"))
        for info in infos:
            kept = self._of(info)
            if kept is not None and kept.is_dir():
                complete += _link_all(kept, packages, f".{self.tag}.pyc")
                os.utime(kept)
        return complete, len(infos)

    def keep(self, packages: Path) -> None:
        """Remember the bytecode of every package that is not kept yet, and forget what nobody used for long."""
        for info in sorted(packages.glob("*.dist-info")):
            kept = self._of(info)
            if kept is not None and not kept.exists():
                _keep_one(info, packages, kept, f".{self.tag}.pyc")
        if self.folder.is_dir():
            for old in self.folder.iterdir():
                if old.is_dir() and time.time() - old.stat().st_mtime > _KEEP_DAYS * 86400:
                    remove_tree(old)

    def _of(self, info: Path) -> Path | None:
        try:
            record = (info / "RECORD").read_bytes()
        except OSError:
            return None
        return self.folder / f"{info.name.removesuffix('.dist-info')}-{hashlib.sha256(record).hexdigest()[:12]}"


def compile_all(python: Path, packages: Path, env: Mapping[str, str]) -> Child:
    """Start compiling what has no valid bytecode yet, on all processors; its lines are to be read to the end.

    What cannot be compiled (templates named .py, code for another Python) is passed over.
    """
    argv = [str(python), "-I", "-m", "compileall", "-q", "-q", "-j", "0", "-x", _NOT, str(packages)]
    return Child(argv, env=env)


def _link_all(kept: Path, packages: Path, ending: str) -> bool:
    """Link every file of `kept` that fits its source; whether all did."""
    fits = True
    for folder, _names, files in os.walk(kept):
        relative = os.path.relpath(folder, kept)
        there = packages / relative
        for name in files:
            source = there.parent / f"{name.removesuffix(ending)}.py"
            pyc = Path(folder) / name
            if not _matches(pyc, source):
                fits = False
                continue
            there.mkdir(exist_ok=True)
            try:
                os.link(pyc, there / name)
            except FileExistsError:
                continue
            except OSError:
                return False
    return fits


def _matches(pyc: Path, source: Path) -> bool:
    try:
        with pyc.open("rb") as file:
            _magic, flags, seconds, size = _HEADER.unpack(file.read(_HEADER.size))
        said = source.stat()
    except (OSError, struct.error):
        return False
    same = (seconds, size) == (int(said.st_mtime) & 0xFFFFFFFF, said.st_size & 0xFFFFFFFF)
    return bool(flags == 0 and same)


def _keep_one(info: Path, packages: Path, kept: Path, ending: str) -> None:
    stage = kept.with_name(f"{kept.name}.new")
    remove_tree(stage)
    stage.mkdir(parents=True)
    for relative in _sources(info):
        place = Path(relative).parent / "__pycache__"
        pyc = packages / place / f"{Path(relative).stem}{ending}"
        if not pyc.is_file():
            continue
        (stage / place).mkdir(parents=True, exist_ok=True)
        try:
            os.link(pyc, stage / place / pyc.name)
        except OSError:  # another drive, or a file system without links: nothing is kept then
            remove_tree(stage)
            return
    stage.rename(kept)


def _sources(info: Path) -> list[str]:
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        names = [row[0] for row in csv.reader(file) if row]
    return [name for name in names if name.endswith(".py") and not name.startswith(("..", "/"))]
