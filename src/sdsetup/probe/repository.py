"""What a git repository says of itself, read from its files.

Git is never asked while looking: it runs programs that the repository's own configuration names (filters, a
file system monitor, hooks), so asking it about a folder is the same as running that folder's code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sdsetup.machine import Machine

_SMALL = 4096  # bytes of HEAD, of a loose ref and of the files that point elsewhere
_MOST_REFS = 16_000_000  # bytes of packed-refs
_DEEPEST = 5  # symbolic refs that name each other; git stops there too
_REF = re.compile(r"(?!.*\.\.)refs/[^\x00-\x20\x7f~^:?*\[\\]+")


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
