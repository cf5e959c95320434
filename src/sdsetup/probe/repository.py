"""What a git repository says of itself, and which files of a checkout differ from its index, read from its files.

Git is never asked while looking: it runs programs that the repository's own configuration names (filters, a
file system monitor, hooks), so asking it about a folder is the same as running that folder's code.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sdsetup.machine import Machine

_SMALL = 4096  # bytes of HEAD, of a loose ref and of the files that point elsewhere
_MOST_REFS = 16_000_000  # bytes of packed-refs
_DEEPEST = 5  # symbolic refs that name each other; git stops there too
_REF = re.compile(r"(?!.*\.\.)refs/[^\x00-\x20\x7f~^:?*\[\\]+")


_MOST = 64_000_000  # bytes; the web UI's has 40 thousand
_FIXED = 62  # bytes of an entry before its name, with a SHA-1
_SUBMODULE, _LINK = 0o160000, 0o120000
_EXTENDED = 0x4000
_NOT_CHECKED_OUT = 0x4000  # of the extended flags: skip-worktree
_LEAVES_OUT = b"link"  # the extension of a split index: most entries are in another file


@dataclass(frozen=True, kw_only=True)
class Repository:
    """`commit`: what HEAD names; `branch`: what it stands on, None when detached; `remote`: the address of
    `origin` (else of the first remote) without name and password. None where the files do not tell."""

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None


def read_repository(machine: Machine, folder: Path) -> Repository | None:
    """The repository whose work tree is `folder`: a clone, a linked worktree or a submodule; None without one."""
    if machine.kind(folder / ".git") == "absent":
        return None
    own, common = _places(machine, folder)
    commit, branch = _head(machine, own, common)
    remote = parse_remote(machine.read_text(common / "config") or "")
    return Repository(commit=commit, branch=branch, remote=remote)


def index_of(machine: Machine, folder: Path) -> Path | None:
    """Where the index of the repository lies whose work tree is `folder`; None without a repository."""
    if machine.kind(folder / ".git") == "absent":
        return None
    return _places(machine, folder)[0] / "index"


def _places(machine: Machine, folder: Path) -> tuple[Path, Path]:
    """Where HEAD lies and where branches and configuration do: one folder but for a linked worktree."""
    own = folder / ".git"
    # In a linked worktree or a submodule .git is a file that names the real folder.
    link = re.match(r"gitdir: ([^\r\n]+)", machine.read_text(own, _SMALL) or "")
    if link is not None and not on_a_server(link[1]):
        own = folder / link[1].strip()
    named = (machine.read_text(own / "commondir", _SMALL) or "").strip()
    return own, own / named if named and not on_a_server(named) else own


def on_a_server(path: str) -> bool:
    """Whether a path leads to another computer: Windows logs in there with the account of whoever looks."""
    return re.match(r"\s*(?:[\\/]{2}|[\\/]\?\?[\\/])", path) is not None


def _head(machine: Machine, own: Path, common: Path) -> tuple[str | None, str | None]:
    said = (machine.read_text(own / "HEAD", _SMALL) or "").strip()
    if not said.startswith("ref:"):
        return parse_commit(said), None
    first = said.removeprefix("ref:").strip()
    packed = machine.read_text(common / "packed-refs", _MOST_REFS) or ""
    commit = None
    for _ in range(_DEEPEST):
        ref = said.removeprefix("ref:").strip()
        if not _REF.fullmatch(ref):
            break
        said = (machine.read_text(common / ref, _SMALL) or "").strip()
        if not said.startswith("ref:"):
            commit = parse_commit(said) or parse_packed_refs(packed, ref)
            break
    usable = _REF.fullmatch(first) and first.startswith("refs/heads/") and first != "refs/heads/.invalid"
    return commit, first.removeprefix("refs/heads/") if usable else None


def parse_commit(text: str) -> str | None:
    match = re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", text.strip())
    return match[0] if match else None


def parse_packed_refs(text: str, ref: str) -> str | None:
    for line in text.splitlines():
        commit, _, name = line.partition(" ")
        if name.strip() == ref:
            return parse_commit(commit)
    return None


def parse_remote(text: str) -> str | None:
    """The address of `origin` (or of the first remote) in a git configuration, without name and password."""
    remotes: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if header := re.match(r'\s*\[\s*(?i:remote)\s+"([^"]*)"\s*\](.*)', line):
            section, line = header[1], header[2]
        elif line.lstrip().startswith("["):
            section = ""
        if section and (setting := re.match(r'\s*(?i:url)\s*=\s*"?([^\s"]+)', line)):
            remotes.setdefault(section, re.sub(r"://[^/@\s]*@", "://", setting[1]))
    return remotes.get("origin") or next(iter(remotes.values()), None)


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
    """The files that an index says are checked out, with the sizes they had when git last looked at them.

    https://git-scm.com/docs/index-format, versions 2 to 4.

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
