"""A repository at one pinned commit, whole or not at all.

A dead address costs one answer, a broken line is tried again, and a killed run leaves the target as
it was: the work is done beside it and renamed at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup.errors import SdsetupError, file_problem
from sdsetup.execute.context import Context
from sdsetup.execute.folders import put_in_place, remove_tree, set_aside
from sdsetup.execute.git.fetching import PAUSES, Wanted, fetch, from_first
from sdsetup.execute.git.program import Runner, ask
from sdsetup.storage import write_atomically
from sdsetup.text import Text

_NAMES_AT_ONCE = 100  # of files in one command: Windows takes 32,000 letters


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A repository at its commit. `url` is the address that answered, None where it was there already."""

    commit: str
    url: str | None
    kept: Path | None = None  # where something that was in the way has been moved


def clone_at(
    urls: Sequence[str],
    target: Path,
    commit: str,
    ref: str | None,
    full_history: bool,
    context: Context,
    *,
    branch: str | None = None,
    ignore: Sequence[str] = (),
    pauses: Sequence[float] = PAUSES,
) -> Checkout:
    """Make `target` a repository with `commit` checked out.

    Args:
        urls: addresses in order of preference; the first that has the commit is kept as `origin`.
        ref: a tag or branch through which a shallow clone may ask for the commit; None asks by its id.
        full_history: every commit instead of the one.
        branch: a local branch to stand on that follows origin's branch of that name, so that
            `git pull` works; None leaves HEAD detached, as the web UI's own installer does.
        ignore: patterns that `git status` shall not report here although the repository does not know
            them ("/.sdsetup/"); they go into the clone's own exclude file, no tracked file changes.
        pauses: seconds before each further try of an address whose transfer broke.

    A target at the commit is left alone but for files that are missing. One that is a broken clone is
    made again. One at another commit is replaced, and kept in `.sdsetup/former` where anything in it
    is the person's; the installation folder itself is never replaced. A target folder that is no
    repository is filled, `.git` last.

    Raises:
        SdsetupError: with the cause of the last address that failed as its code; `other-commit` for an
            installation folder at another commit.
    """
    if ask(context, target, "rev-parse", "HEAD") == commit and _mended(context, target):
        _exclude(target, ignore)
        return Checkout(commit=commit, url=None)
    _refuse_installation(context, target)
    wanted = Wanted(commit=commit, ref=ref, full_history=full_history, branch=branch)
    try:
        return _made(urls, target, wanted, context, ignore, pauses)
    except OSError as error:
        raise file_problem(error, target, Text("The repository could not be written")) from error


def _made(
    urls: Sequence[str],
    target: Path,
    wanted: Wanted,
    context: Context,
    ignore: Sequence[str],
    pauses: Sequence[float],
) -> Checkout:
    stage = context.state / "partial" / target.name
    try:
        url = from_first(urls, lambda url: _transfer(url, stage, wanted, context), context, pauses)
    except SdsetupError:
        remove_tree(stage)
        raise
    _exclude(stage, ignore)
    kept = _make_room(target, context)
    put_in_place(stage, target, last=".git")
    return Checkout(commit=wanted.commit, url=url, kept=kept)


def _transfer(url: str, stage: Path, wanted: Wanted, context: Context) -> None:
    """Fetch into a new repository and check the commit out."""
    remove_tree(stage)
    stage.mkdir(parents=True)
    run = Runner(context, stage, urlsplit(url).hostname or url)
    run("init", "--quiet", ".")
    run("remote", "add", "origin", url)
    run("config", "core.longpaths", "true")
    fetch(run, "origin", wanted)
    if wanted.branch is None:
        run("checkout", "--quiet", "--detach", wanted.commit)
        return
    run("checkout", "--quiet", "-B", wanted.branch, wanted.commit)
    following = f"refs/remotes/origin/{wanted.branch}"
    if not wanted.full_history:
        run("update-ref", following, wanted.commit)
    run("config", f"branch.{wanted.branch}.remote", "origin")
    run("config", f"branch.{wanted.branch}.merge", f"refs/heads/{wanted.branch}")


def _mended(context: Context, folder: Path) -> bool:
    """Bring back tracked files that are gone; False when the repository is too broken for it."""
    gone = ask(context, folder, "ls-files", "--deleted", "-z")
    if gone is None:
        return False
    names = [name for name in gone.split("\0") if name]
    if not names:
        return True
    context.note(
        Text("{count} file(s) of {name} were missing and are brought back", count=len(names), name=folder.name)
    )
    # By name: with --all git ends with an error because of every file that is there.
    few = [names[start : start + _NAMES_AT_ONCE] for start in range(0, len(names), _NAMES_AT_ONCE)]
    return all(ask(context, folder, "checkout-index", "--", *some) is not None for some in few)


def _refuse_installation(context: Context, target: Path) -> None:
    if target != context.dir:
        return
    found = ask(context, target, "rev-parse", "--verify", "--quiet", "HEAD")
    if found is not None:
        raise SdsetupError(
            Text("The web UI there is at another version (commit {found})", found=found[:12]),
            where=target,
            code="other-commit",
            hint=Text("Choose another folder, or bring this one to the wanted version with git first."),
        )


def _make_room(target: Path, context: Context) -> Path | None:
    """Clear a target that holds another repository. Only what can be had again goes."""
    if not (target / ".git").exists():
        return None
    if ask(context, target, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        # A clone that never got its commit. The installation folder holds more than the clone.
        remove_tree(target / ".git" if target == context.dir else target)
        return None
    if not _holds_own_work(context, target):
        remove_tree(target)
        return None
    kept = set_aside(target, context.state / "former")
    context.note(Text("{name} was something else and has been kept as {kept}", name=target.name, kept=kept))
    return kept


def _holds_own_work(context: Context, folder: Path) -> bool:
    said = ask(context, folder, "status", "--porcelain", "--ignored", "--untracked-files=normal")
    if said is None:
        return True
    return any(not line.endswith("__pycache__/") for line in said.splitlines())


def _exclude(folder: Path, patterns: Sequence[str]) -> None:
    if not patterns:
        return
    path = folder / ".git" / "info" / "exclude"
    path.parent.mkdir(exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    missing = [pattern for pattern in patterns if pattern not in lines]
    if missing:
        write_atomically(path, ("\n".join([*lines, *missing]) + "\n").encode())
