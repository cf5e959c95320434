"""Python's bytecode, made before the first start (which takes twice as long otherwise), once per package.

What was compiled is kept beside the package cache, as hard links. Another environment on the same drive
gets it back in a second, where every source file is the very same (size and time, as Python itself
checks it): https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sdsetup.execute.environment.records import build_of
from sdsetup.execute.folders import remove_tree
from sdsetup.storage import read_json, write_atomically, write_json

_HEADER = struct.Struct("<4sIII")  # magic, flags, source time, source size (PEP 552)
_KEEP_DAYS = 90
_FEW = 50  # files; for fewer another process is not worth its start
_DIGESTS = "digests.json"  # source file -> SHA-256 of its bytecode


@dataclass(frozen=True, kw_only=True)
class BytecodeStore:
    """Bytecode of one Python version, named by its cache tag ("cpython-310"): one folder per package build.

    `later`: folders below site-packages ("transformers/models") that are left to be compiled when they
    are first imported, as Python does by itself. `done`: installed packages (their dist-info
    folders) whose bytecode is in place and kept; a second round passes them over.
    """

    cache: Path
    tag: str
    later: tuple[str, ...] = ()
    done: set[Path] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        return self.cache / "bytecode" / self.tag

    def restore(self, packages: Path) -> list[Path]:
        """Link what is kept into a site-packages folder; the source files that still have no valid bytecode."""
        rest = []
        for info in packages.glob("*.dist-info"):
            build = build_of(info)
            if build is None or info in self.done:
                continue
            kept, sources = self.folder / build, self._sources(info)
            if kept.is_dir():
                with contextlib.suppress(OSError):
                    os.utime(kept)
                self._link(kept, packages, sources)
            rest += sources
        # Packages of one namespace share files: only after all of them is it known what is missing.
        return [packages / name for name in rest if not self._valid(packages, name)]

    def keep(self, packages: Path) -> None:
        """Remember the bytecode of packages that is not kept yet; forget what nobody used for three months."""
        for info in packages.glob("*.dist-info"):
            build = build_of(info)
            if build is None or info in self.done:
                continue
            self.done.add(info)
            kept, sources = self.folder / build, self._sources(info)
            if not kept.is_dir() or not all(self._valid(packages, name, kept) for name in sources):
                self._keep(packages, sources, kept)
        for old in self.folder.iterdir() if self.folder.is_dir() else ():
            if old.is_dir() and time.time() - old.stat().st_mtime > _KEEP_DAYS * 86400:
                remove_tree(old)

    def _sources(self, info: Path) -> list[str]:
        """A package's source files that are worth compiling. Nobody imports its tests."""
        with (info / "RECORD").open(encoding="utf-8", newline="") as file:
            names = [row[0] for row in csv.reader(file) if row and row[0].endswith(".py")]
        later = tuple(f"{folder}/" for folder in self.later)
        return [name for name in names if not name.startswith(("..", "/", *later)) and not _is_test(name)]

    def _pyc(self, name: str) -> str:
        path = PurePosixPath(name)
        return str(path.parent / "__pycache__" / f"{path.stem}.{self.tag}.pyc")

    def _valid(self, packages: Path, name: str, kept: Path | None = None) -> bool:
        """Whether the bytecode (kept, or in place) is that of the source in place."""
        return _matches((kept or packages) / self._pyc(name), packages / name)

    def _link(self, kept: Path, packages: Path, sources: Sequence[str]) -> None:
        """Links are shared with every environment, so a file that was damaged in one is found by its hash."""
        digests = read_json(kept / _DIGESTS) or {}
        for name in sources:
            if not self._valid(packages, name, kept):
                continue
            if digests.get(name) != _sha256(kept / self._pyc(name)):
                remove_tree(kept)
                return
            there = packages / self._pyc(name)
            with contextlib.suppress(OSError):  # it is there already, or the file system has no links
                there.parent.mkdir(exist_ok=True)
                os.link(kept / self._pyc(name), there)

    def _keep(self, packages: Path, sources: Sequence[str], kept: Path) -> None:
        stage = kept.with_name(f"{kept.name}.{os.getpid()}.new")
        remove_tree(stage)
        stage.mkdir(parents=True)
        made: set[Path] = set()
        digests = {}
        try:
            for name in sources:
                if self._valid(packages, name):
                    there = stage / self._pyc(name)
                    if there.parent not in made:
                        there.parent.mkdir(parents=True, exist_ok=True)
                        made.add(there.parent)
                    os.link(packages / self._pyc(name), there)
                    digests[name] = _sha256(there)
            write_json(stage / _DIGESTS, digests)
            remove_tree(kept)
            stage.rename(kept)
        except OSError:  # another drive, no links, or a second run was quicker: then nothing new is kept
            remove_tree(stage)


def compilers(python: Path, sources: Sequence[Path], folder: Path, count: int) -> list[list[str]]:
    """Commands that compile these files side by side, at most `count`; their lists of files lie in `folder`.

    `compileall -j` shares out the files of folders, not those of a list, and takes ten seconds to find
    that nothing is to be done in 35,000 files. What cannot be compiled (templates named .py, code for
    another Python) is passed over.
    """
    count = max(1, min(count, len(sources) // _FEW))
    commands = []
    for number in range(count):
        list_file = folder / f"compile-{number}.txt"
        write_atomically(list_file, "\n".join(map(str, sources[number::count])).encode())
        commands.append([str(python), "-I", "-X", "utf8", "-m", "compileall", "-q", "-q", "-i", str(list_file)])
    return commands


def _matches(pyc: Path, source: Path) -> bool:
    try:
        with pyc.open("rb", buffering=0) as file:
            _magic, flags, seconds, size = _HEADER.unpack(file.read(_HEADER.size))
        said = source.stat()
    except (OSError, struct.error):
        return False
    same = (seconds, size) == (int(said.st_mtime) & 0xFFFFFFFF, said.st_size & 0xFFFFFFFF)
    return bool(flags == 0 and same)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_test(name: str) -> bool:
    folders = name.split("/")[:-1]
    return "tests" in folders or "test" in folders
