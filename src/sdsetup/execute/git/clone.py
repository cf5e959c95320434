"""A repository at one pinned commit, whole or not at all.

A dead address costs one answer, a broken line is tried again, and a killed run leaves the target as
it was: the work is done beside it and renamed at the end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.folders import put_in_place, remove_tree, set_aside
from sdsetup.execute.git.program import GitFailedError, Runner, ask
from sdsetup.storage import write_atomically
from sdsetup.text import Text

PAUSES = (2.0, 5.0, 15.0)  # seconds before the second, third and fourth try of one address


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
        ignore: patterns that git shall not report here although the repository does not know them
            ("/.sdsetup/"); they go into the clone's own exclude file, no tracked file changes.
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
    stage = context.state / "partial" / target.name
    remove_tree(stage)
    stage.parent.mkdir(parents=True, exist_ok=True)
    wanted = _Wanted(commit=commit, ref=ref, full_history=full_history, branch=branch)
    url = _from_first(urls, stage, wanted, context, pauses)
    _exclude(stage, ignore)
    kept = _make_room(target, context)
    put_in_place(stage, target, last=".git")
    return Checkout(commit=commit, url=url, kept=kept)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    commit: str
    ref: str | None
    full_history: bool
    branch: str | None


def _from_first(
    urls: Sequence[str], stage: Path, wanted: _Wanted, context: Context, pauses: Sequence[float]
) -> str:
    failures: list[tuple[str, GitFailedError]] = []
    for number, url in enumerate(urls):
        try:
            _patiently(url, stage, wanted, context, pauses)
            return url
        except GitFailedError as failed:
            failures.append((url, failed))
            if failed.cause.code in ("disk-full", "path-too-long", "folder-not-writable"):
                break  # another address would meet the same
            if number + 1 < len(urls):
                context.note(
                    Text(
                        "{host} does not have it ({why}); trying the next address", host=url, why=failed.cause.why
                    )
                )
    remove_tree(stage)
    raise _error(failures)


def _patiently(url: str, stage: Path, wanted: _Wanted, context: Context, pauses: Sequence[float]) -> None:
    for pause in (*pauses, None):
        remove_tree(stage)
        try:
            _transfer(url, stage, wanted, context)
            return
        except GitFailedError as failed:
            if pause is None or not failed.cause.again:
                raise
            context.note(
                Text(
                    "{host}: {why}; trying again in {pause:.0f} s",
                    host=urlsplit(url).hostname or url,
                    why=failed.cause.why,
                    pause=pause,
                )
            )
            time.sleep(pause)


def _transfer(url: str, stage: Path, wanted: _Wanted, context: Context) -> None:
    """Fetch into a new repository and check the commit out."""
    stage.mkdir(parents=True)
    run = Runner(context, stage, urlsplit(url).hostname or url)
    run("init", "--quiet", ".")
    run("remote", "add", "origin", url)
    run("config", "core.longpaths", "true")
    try:
        _fetch(run, wanted)
    except GitFailedError as failed:
        if failed.cause.code != "commit-gone" or wanted.full_history:
            raise
        # An old server gives no single commit by its id: then everything, and look for it there.
        _fetch(run, _Wanted(commit=wanted.commit, ref=None, full_history=True, branch=wanted.branch))
    if wanted.branch is None:
        run("checkout", "--quiet", "--detach", wanted.commit)
        return
    run("checkout", "--quiet", "-B", wanted.branch, wanted.commit)
    following = f"refs/remotes/origin/{wanted.branch}"
    if not wanted.full_history:
        run("update-ref", following, wanted.commit)
    run("config", f"branch.{wanted.branch}.remote", "origin")
    run("config", f"branch.{wanted.branch}.merge", f"refs/heads/{wanted.branch}")


def _fetch(run: Runner, wanted: _Wanted) -> None:
    if wanted.full_history:
        run("fetch", "--progress", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
        return
    if wanted.ref is not None:
        for kind in ("tags", "heads"):
            name = f"refs/{kind}/{wanted.ref}"
            here = name if kind == "tags" else f"refs/remotes/origin/{wanted.ref}"
            try:
                run("fetch", "--progress", "--no-tags", "--depth", "1", "origin", f"+{name}:{here}")
            except GitFailedError as failed:
                if failed.cause.code != "commit-gone":
                    raise
                continue
            if run("rev-parse", f"{here}^{{commit}}") == wanted.commit:
                return
            run("update-ref", "-d", here)  # the tag or branch stands elsewhere today: the commit counts
    run("fetch", "--progress", "--no-tags", "--depth", "1", "origin", wanted.commit)


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
    return ask(context, folder, "checkout-index", "--all") is not None


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


def _error(failures: Sequence[tuple[str, GitFailedError]]) -> SdsetupError:
    if not failures:
        return SdsetupError(
            Text("No address is known for this repository"),
            code="repository-gone",
            hint=Text("Add one to webui.toml in a folder given to --profiles."),
        )
    _url, last = failures[-1]
    lines = "; ".join(f"{url}: {failed}" for url, failed in failures)
    return SdsetupError(
        Text("The repository could not be fetched ({lines})", lines=lines),
        where=", ".join(url for url, _ in failures),
        why=last.cause.why,
        hint=last.cause.hint,
        code=last.cause.code,
    )
