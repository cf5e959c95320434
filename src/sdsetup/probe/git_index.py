"""Files of a checkout that are gone or of another size than git left them, told by git's index.

The index records the size that each file had when git last looked at it
(https://git-scm.com/docs/index-format, versions 2 to 4). Git itself is not asked while looking: see `repository`.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MOST = 64_000_000  # bytes; the web UI's has 40 thousand
_FIXED = 62  # bytes of an entry before its name, with a SHA-1
_SUBMODULE, _LINK = 0o160000, 0o120000
_EXTENDED = 0x4000
_NOT_CHECKED_OUT = 0x4000  # of the extended flags: skip-worktree
_LEAVES_OUT = b"link"  # the extension of a split index: most entries are in another file


class OddIndexError(ValueError):
    """Not an index that this reader understands; what is in the folder is not known then."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    name: str  # relative to the checkout, forward slashes
    size: int  # bytes, modulo 2**32
    mode: int


@dataclass(frozen=True, kw_only=True)
class Compared:
    """`missing`: gone, or emptied; `changed`: of another size. None where the index does not tell."""

    missing: tuple[str, ...] | None = None
    changed: tuple[str, ...] = ()


def compare(folder: Path, index: Path) -> Compared:
    """What differs between a checkout and its index. `index`: the file, `.git/index` in an ordinary clone."""
    try:
        with index.open("rb") as file:
            entries = list(parse_index(file.read(_MOST)))
    except (OSError, OddIndexError):
        return Compared()
    missing: list[str] = []
    changed: list[str] = []
    for entry in entries:
        try:
            size = os.lstat(folder / entry.name).st_size
        except OSError:
            missing.append(entry.name)
            continue
        # A size of 0 is also what git notes of a file that it wants to look at again.
        if entry.size and size % 2**32 != entry.size and entry.mode != _LINK:
            (changed if size else missing).append(entry.name)
    return Compared(missing=tuple(missing), changed=tuple(changed))


def parse_index(content: bytes) -> Iterator[Entry]:
    """The files that an index says are checked out.

    Raises:
        OddIndexError: not an index, cut short, or of a kind that keeps its entries elsewhere.
    """
    if len(content) < 32 or content[:4] != b"DIRC":
        raise OddIndexError
    version, count = struct.unpack(">II", content[4:12])
    if version not in (2, 3, 4):
        raise OddIndexError
    position, name = 12, b""
    try:
        for _ in range(count):
            begin = position
            mode = struct.unpack_from(">I", content, begin + 24)[0]
            size = struct.unpack_from(">I", content, begin + 36)[0]
            flags = struct.unpack_from(">H", content, begin + 60)[0]
            position = begin + _FIXED
            hidden = False
            if flags & _EXTENDED:
                hidden = bool(struct.unpack_from(">H", content, position)[0] & _NOT_CHECKED_OUT)
                position += 2
            if version == 4:
                position, name = _shortened(content, position, name)
            else:
                end = content.index(b"\0", position)
                name = content[position:end]
                position = begin + ((end - begin) // 8 + 1) * 8
            if not hidden and mode != _SUBMODULE and not stat.S_ISDIR(mode) and not _leads_out(name):
                yield Entry(name=name.decode("utf-8", errors="surrogateescape"), size=size, mode=mode)
    except (struct.error, ValueError, IndexError) as error:
        raise OddIndexError from error
    if content[position : position + 4] == _LEAVES_OUT:
        raise OddIndexError


def _shortened(content: bytes, position: int, before: bytes) -> tuple[int, bytes]:
    """A name of version 4: how many letters of the former name to take off, and what comes instead."""
    take_off, position = _varint(content, position)
    end = content.index(b"\0", position)
    if take_off > len(before):
        raise OddIndexError
    return end + 1, before[: len(before) - take_off] + content[position:end]


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """Git's offset encoding, as in pack files: seven bits a byte, each further byte adds one."""
    byte = content[position]
    value = byte & 127
    while byte & 128:
        position += 1
        byte = content[position]
        value = ((value + 1) << 7) | (byte & 127)
    return value, position + 1


def _leads_out(name: bytes) -> bool:
    return name.startswith(b"/") or b".." in name.split(b"/") or b":" in name or b"\\" in name
