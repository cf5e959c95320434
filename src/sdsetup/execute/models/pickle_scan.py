"""What a pickled model would do when it is loaded, found out without loading it.

Three forms are known: the zip that torch writes since 2020, torch's older run of five pickles, and plain pickles
one after the other. Everything else is dangerous. What is inside is read twice: by `pickle_program` against
pickles.toml, and by picklescan, whose list of dangerous names is kept up by others.
"""

from __future__ import annotations

import io
import logging
import re
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.pickles import PickleNames
from sdsetup.execute.models.pickle_program import PickleProgram, UnreadablePickleError, read_program

_MAGIC = 0x1950A86A20F9469CFC6C  # the first of the five pickles (torch/serialization.py)
_AFTER_MAGIC = 4  # version, system, the object, the keys of its storages; raw numbers follow
_LARGEST_PROGRAM = 256 * 2**20  # bytes of one pickle in an archive
_DEEPEST = 3  # pickles in pickles
_ZIP = b"PK\x03\x04"
# Numbers and notes that torch writes beside its pickles, and never runs.
_RAW = re.compile(
    r"[^/]+/(data/[^/]+|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id)"
)
_SCRIPT = re.compile(r"[^/]+/(code/.+|constants\.pkl)")
_PROGRAM = re.compile(r"(?i).*\.(pkl|pickle|debug_pkl)")
_TORCHSCRIPT = "torch.jit"
_LONGEST_SHOWN = 120


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What a pickle would call. `dangerous` and `unknown` hold names such as "posix.system"; `failed` means
    that it is none of the known forms, or cannot be read to its end: no honest file is like that."""

    dangerous: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    failed: bool = False

    @property
    def verdict(self) -> Literal["clean", "unknown", "dangerous"]:
        if self.dangerous or self.failed:
            return "dangerous"
        return "unknown" if self.unknown else "clean"


def scan_pickle(path: Path, names: PickleNames | None = None) -> Scan:
    """Read the programs in a file without running them. `names`: the built-in lists unless others are given.

    Raises:
        OSError: the file cannot be read.
    """
    names = names or Catalog().pickles
    with path.open("rb") as file:
        file.read(1)  # a file that cannot be read is no matter of what is in it
        found = _Found(names)
        try:
            found.file(file)
        except UnreadablePickleError as broken:
            found.program(broken.program)
            found.failed = True
        except Exception:
            logging.getLogger("sdsetup").info("%s cannot be read as a pickle", path.name, exc_info=True)
            found.failed = True
    return Scan(dangerous=_shown(found.dangerous), unknown=_shown(found.unknown), failed=found.failed)


class _Found:
    """Names by what they may do, gathered from every program in a file."""

    def __init__(self, names: PickleNames) -> None:
        self._names = names
        self.dangerous: set[str] = set()
        self.unknown: set[str] = set()
        self.failed = False

    def file(self, file: IO[bytes]) -> None:
        """In the order in which torch.load tries the forms: a file may be more than one at once."""
        file.seek(0)
        if file.read(len(_ZIP)) == _ZIP:
            self._archive(file)
        elif _is_tar(file):
            self.failed = True
        else:
            self._pickles(file)

    def program(self, program: PickleProgram, depth: int = 0) -> None:
        """Judge what a program names, and what a pickle among its texts would."""
        for module, name in program.names:
            danger = self._names.judge(module, name)
            if danger == "dangerous":
                self.dangerous.add(f"{module}.{name}")
            elif danger == "unknown":
                self.unknown.add(f"{module}.{name}")
        if depth < _DEEPEST:
            for inner in program.inner:
                self._nested(inner, depth + 1)

    def _pickles(self, file: IO[bytes]) -> None:
        file.seek(0)
        first = self._one(file)
        if first.result == _MAGIC and not first.names:
            for _ in range(_AFTER_MAGIC):
                self._one(file)
            return
        while file.read(1):
            file.seek(-1, io.SEEK_CUR)
            self._one(file)

    def _one(self, file: IO[bytes]) -> PickleProgram:
        """The pickle that begins where the file stands, read by both readers."""
        begin = file.tell()
        program = read_program(file)
        end = file.tell()
        self.program(program)
        file.seek(begin)
        self.dangerous |= _known_to_picklescan(file)
        file.seek(end)
        return program

    def _archive(self, file: IO[bytes]) -> None:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            seen = [member.filename for member in members]
            # Other readers of such a zip might find other contents in it than this one does.
            if len(set(seen)) != len(seen) or archive.comment or min(m.header_offset for m in members) != 0:
                self.failed = True
            if not any(name.endswith("/data.pkl") for name in seen):
                self.failed = True
            for member in members:
                self._member(archive, member)

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        if _RAW.fullmatch(member.filename):
            return
        if _SCRIPT.fullmatch(member.filename):
            self.unknown.add(_TORCHSCRIPT)
        with archive.open(member) as opened:
            head = opened.read(2)
        if not (_PROGRAM.fullmatch(member.filename) or (head[:1] == b"\x80" and head[1:] <= b"\x05")):
            return
        if member.file_size > _LARGEST_PROGRAM:
            self.failed = True
            return
        self._pickles(io.BytesIO(archive.read(member)))

    def _nested(self, data: bytes, depth: int) -> None:
        """A text that is a pickle by its look counts only for what is dangerous in it: it may be chance."""
        if data[:1] not in (b"\x80", b"c", b"("):
            return
        try:
            program = read_program(io.BytesIO(data))
        except UnreadablePickleError as broken:
            program = broken.program
        below = _Found(self._names)
        below.program(program, depth)
        self.dangerous |= below.dangerous


def _is_tar(file: IO[bytes]) -> bool:
    """Whether torch.load would take a file for the tar archive of its first years, and load what is in it."""
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:"):
            return True
    except (tarfile.TarError, ValueError, OverflowError, EOFError):
        return False


def _known_to_picklescan(stream: IO[bytes]) -> set[str]:
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes

    logger = logging.getLogger("picklescan")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # it would write to the screen
    found = scan_pickle_bytes(stream, "pickle", multiple_pickles=False)
    return {f"{one.module}.{one.name}" for one in found.globals if one.safety is SafetyLevel.Dangerous}


def _shown(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted, and harmless on a screen: a name may hold any character."""
    shown = (n if n.isprintable() else n.encode("unicode_escape").decode("ascii") for n in names)
    return tuple(sorted(name[:_LONGEST_SHOWN] for name in shown))
