"""A repository whose HEAD, branch or index a power cut has emptied, brought back from git's own log of moves.

Git writes each move of HEAD and of a branch into a log beside it (https://git-scm.com/docs/gitrepository-layout,
logs). The last entry is where it stood. What is replaced is kept in `.git/sdsetup-broken`.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.git.program import BROKEN, ask
from sdsetup.storage import replace, write_atomically
from sdsetup.text import Text

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOVE = re.compile(r"^[0-9a-f]{40,64} (?P<id>[0-9a-f]{40,64}) [^\n\t]*\t?(?P<said>[^\n]*)$", re.MULTILINE)
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@/-]*")


def repair_head(context: Context, folder: Path) -> str | None:
    """Make HEAD name a commit again; the commit, or None where its place cannot be told (nothing changed then)."""
    git = folder / ".git"
    if not git.is_dir():
        return None  # a file that leads to a repository elsewhere, which is not ours to repair
    try:
        written = _written(git)
        if written is None:
            return None
        for name in written:
            _keep_broken(git, name)
        for name, text in written.items():
            (git / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(git / name, text.encode())
    except OSError:
        return None
    commit = ask(context, folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if commit is None:
        _put_back(git, written)
        return None
    context.tell(
        Text("Git's record of the current branch in {name} was damaged. It has been repaired.", name=folder.name)
    )
    return commit


def repair_index(context: Context, folder: Path) -> bool:
    """Make the index anew from HEAD; no file of the folder changes."""
    git = folder / ".git"
    if not git.is_dir():
        return False
    try:
        _keep_broken(git, "index")
        (git / "index").unlink(missing_ok=True)
    except OSError:
        return False
    if ask(context, folder, "read-tree", "HEAD") is None:
        _put_back(git, {"index": ""})
        return False
    context.tell(Text("Git's index in {name} was damaged. It has been rebuilt.", name=folder.name))
    return True


def _written(git: Path) -> dict[str, str] | None:
    """What to write: file below `.git` -> content. None where it is not known, or nothing is broken."""
    said = _text(git / "HEAD").strip()
    moves = list(_MOVE.finditer(_text(git / "logs" / "HEAD")))
    if match := re.fullmatch(r"ref: refs/heads/(.+)", said):
        branch = match[1]
        if not _BRANCH.fullmatch(branch) or not os.path.lexists(git / "refs" / "heads" / branch):
            return None  # a branch without a commit yet
        return _branch_written(git, branch, moves[-1]["id"] if moves else None)
    if _ID.fullmatch(said):
        return None
    branch = _last_branch(moves)
    if branch is None and not moves:
        branch = _only_branch(git)
    if branch is None or not _BRANCH.fullmatch(branch):
        return {"HEAD": f"{moves[-1]['id']}\n"} if moves else None
    head = {"HEAD": f"ref: refs/heads/{branch}\n"}
    if _ID.fullmatch(_text(git / "refs" / "heads" / branch).strip()) or branch in _packed(git):
        return head
    rest = _branch_written(git, branch, moves[-1]["id"] if moves else None)
    return None if rest is None else {**rest, **head}


def _branch_written(git: Path, branch: str, last: str | None) -> dict[str, str] | None:
    if _ID.fullmatch(_text(git / "refs" / "heads" / branch).strip()):
        return None  # it names a commit that is not there: nothing that a log could repair
    moves = list(_MOVE.finditer(_text(git / "logs" / "refs" / "heads" / branch)))
    commit = moves[-1]["id"] if moves else last or _packed(git).get(branch)
    return None if commit is None else {f"refs/heads/{branch}": f"{commit}\n"}


def _last_branch(moves: list[re.Match[str]]) -> str | None:
    """The branch that HEAD was moved to last; None where it was a commit, or nothing says."""
    for move in reversed(moves):
        if match := re.fullmatch(r"checkout: moving from \S+ to (\S+)", move["said"]):
            return None if _ID.fullmatch(match[1]) else match[1]
    return None


def _only_branch(git: Path) -> str | None:
    heads = git / "refs" / "heads"
    loose = {path.relative_to(heads).as_posix() for path in heads.rglob("*") if path.is_file()}
    names = sorted(loose | _packed(git).keys())
    return names[0] if len(names) == 1 else None


def _packed(git: Path) -> dict[str, str]:
    lines = (line.partition(" refs/heads/") for line in _text(git / "packed-refs").splitlines())
    return {name: commit for commit, _, name in lines if name and _ID.fullmatch(commit)}


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _keep_broken(git: Path, name: str) -> None:
    if (git / name).is_file():
        place = git / BROKEN / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(git / name, place)


def _put_back(git: Path, written: dict[str, str]) -> None:
    for name in written:
        kept = git / BROKEN / name
        try:
            if kept.is_file():
                replace(kept, git / name)
            else:
                (git / name).unlink(missing_ok=True)
        except OSError:
            continue  # as broken as before, one way or the other
