"""A repository at one pinned commit, whole or not at all.

A dead address costs seconds, a broken line is tried again, and a killed run leaves the target as
it was: the work is done beside it and renamed at the end.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup.errors import SdsetupError, file_problem
from sdsetup.execute.context import Context
from sdsetup.execute.folders import conflicts, put_in_place, refuse_conflicts, remove_tree, set_aside
from sdsetup.execute.git.fetching import PAUSES, WantedCommit, fetch, from_first
from sdsetup.execute.git.program import GitRunner, ask, commit_of, refuse_foreign
from sdsetup.execute.git.seal import seal, untouched
from sdsetup.storage import replace, write_atomically
from sdsetup.text import Text

_EDITS = 20  # files; where more differ it is another version, not a user's edits
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
    wanted: WantedCommit,
    context: Context,
    *,
    ignore: Sequence[str] = (),
    own: Sequence[str] = (),
    pauses: Sequence[float] = PAUSES,
) -> Checkout:
    """Make `target` a repository with the wanted commit checked out.

    Args:
        urls: addresses in order of preference. The first is `origin` even where another one had the commit: the
            commit proves itself, while a later `git pull` has to trust whom it asks.
        ignore: patterns that `git status` shall not report here although the repository does not know
            them ("/.sdsetup/"); they go into the clone's own exclude file, no tracked file changes.
        own: files that everybody edits ("webui-user.bat"): where the folder has one it stays as it is.
        pauses: seconds before each further round over the addresses whose transfer broke.

    A target at the commit is left alone but for files that are missing. Any other is replaced only where it
    holds nothing but what we put there; else, and where git cannot tell, it is kept in `.sdsetup/former`. The
    installation folder itself is never replaced: a broken `.git` of it is kept there likewise. A target folder
    that is no repository is filled, `.git` last.

    Raises:
        SdsetupError: with the cause of the last address that failed as its code; `other-commit` for an
            installation folder at another commit; `folder-of-another-user`; `folder-in-the-way`.
    """
    try:
        refuse_foreign(context, target)
        if ask(context, target, "rev-parse", "HEAD") == wanted.commit and _repaired(context, target):
            _exclude(target, ignore)
            return Checkout(commit=wanted.commit, url=None)
        _refuse_installation(context, target, wanted.commit)
        stage = context.state / "partial" / target.name
        url = _fetched(urls, stage, wanted, context, pauses)
        _exclude(stage, ignore)
        seal(stage)
        if target == context.dir and _is_web_ui(target):
            adopt(stage, target, context, own)
        kept = _make_room(stage, target, context, own)
        put_in_place(stage, target, last=".git", own=own)
    except OSError as error:
        raise file_problem(error, target, Text("The repository could not be written")) from error
    return Checkout(commit=wanted.commit, url=url, kept=kept)


def _fetched(
    urls: Sequence[str], stage: Path, wanted: WantedCommit, context: Context, pauses: Sequence[float]
) -> str:
    """Bring the commit into the stage; the address that had it."""
    try:
        return from_first(
            urls,
            lambda url, first_word: _transfer(url, urls[0], stage, wanted, context, first_word),
            context,
            pauses,
        )
    except SdsetupError:
        remove_tree(stage)
        raise


def _transfer(
    url: str, origin: str, stage: Path, wanted: WantedCommit, context: Context, first_word: float | None
) -> None:
    """Fetch into a new repository and check the commit out; `origin` is what a later pull asks."""
    remove_tree(stage)
    stage.mkdir(parents=True)
    run = GitRunner(context, stage, urlsplit(url).hostname or url, first_word=first_word)
    run("init", "--quiet", ".")
    run("remote", "add", "origin", url)
    run("config", "core.longpaths", "true")
    fetch(run, "origin", wanted)
    if origin != url:
        run("remote", "set-url", "origin", origin)
    if wanted.branch is None:
        run("checkout", "--quiet", "--detach", wanted.commit)
        return
    run("checkout", "--quiet", "-B", wanted.branch, wanted.commit)
    following = f"refs/remotes/origin/{wanted.branch}"
    if not wanted.full_history:
        run("update-ref", following, wanted.commit)
    run("config", f"branch.{wanted.branch}.remote", "origin")
    run("config", f"branch.{wanted.branch}.merge", f"refs/heads/{wanted.branch}")


def _repaired(context: Context, folder: Path) -> bool:
    """Bring back tracked files that are gone or emptied; False when the repository is too broken for it."""
    _clear_emptied(context, folder)
    gone = ask(context, folder, "ls-files", "--deleted", "-z")
    if gone is None:
        return False
    names = [name for name in gone.split("\0") if name]
    if not names:
        return True
    context.tell(
        Text.plural(
            "{count} missing file of {name} was restored",
            "{count} missing files of {name} were restored",
            count=len(names),
            name=folder.name,
        )
    )
    # By name: with --all git ends with an error because of every file that is there.
    few = [names[start : start + _NAMES_AT_ONCE] for start in range(0, len(names), _NAMES_AT_ONCE)]
    return all(ask(context, folder, "checkout-index", "--", *some) is not None for some in few)


def _clear_emptied(context: Context, folder: Path) -> None:
    """A power cut leaves files without content. Nothing is in them to be kept; then they count as gone."""
    changed = ask(context, folder, "diff-files", "--name-only", "-z") or ""
    for name in changed.split("\0"):
        path = folder / name
        if name and path.is_file() and not path.is_symlink() and path.stat().st_size == 0:
            path.unlink()


def _refuse_installation(context: Context, target: Path, commit: str) -> None:
    if target != context.dir:
        return
    found = commit_of(context, target)
    if found not in (None, commit):
        raise SdsetupError(
            Text("The web UI in this folder is another version (commit {found})", found=str(found)[:12]),
            where=target,
            code="other-commit",
            hint=Text("Choose another folder, or switch this one to the wanted version with Git first."),
        )


def _is_web_ui(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("webui.py", "launch.py", "modules"))


def _make_room(stage: Path, target: Path, context: Context, own: Sequence[str]) -> Path | None:
    """Clear a target that holds another repository; where it is kept, None where nothing was of the user's."""
    if not os.path.lexists(target / ".git"):
        return None
    former = context.state / "former"
    if target == context.dir:
        refuse_conflicts(stage, target, own=(*own, ".git"))
        kept = set_aside(target / ".git", former, name="webui.git")
        context.tell(Text("Git can't read the repository in this folder (.git). It is kept as {kept}", kept=kept))
        return kept
    if untouched(context, target):
        discarded = context.state / "partial" / f"{target.name}.discarded"
        remove_tree(discarded)
        replace(target, discarded)  # half of it, after a kill, could not be told from the user's own
        remove_tree(discarded)
        return None
    kept = set_aside(target, former)
    context.tell(
        Text(
            "{name} has been changed since sdsetup created it, so it is kept as {kept}",
            name=target.name,
            kept=kept,
        )
    )
    return kept


def adopt(stage: Path, target: Path, context: Context, own: Sequence[str]) -> None:
    """Let no file of `target` stand against the staged checkout of the web UI.

    A few files that differ are the user's edits and stay, as local changes of the new repository. Where many
    differ it is another version: each goes to `.sdsetup/former/webui-files`, the staged one takes its place. An
    emptied file is nobody's edit. `own` files stay in any case.
    """
    different = [name for name in conflicts(stage, target) if name.split("/")[0] not in (*own, ".git")]
    empty = [name for name in different if _is_empty(target / name)]
    edits = [name for name in different if name not in empty]
    for name in empty:
        (target / name).unlink()
    if len(edits) <= _EDITS:
        for name in edits:
            shutil.copy2(target / name, stage / name)
        if edits:
            context.tell(Text("Your changes are kept: {names}", names=", ".join(edits[:5])))
        return
    former = context.state / "former" / "webui-files"
    for name in edits:
        set_aside(target / name, (former / name).parent)
    context.tell(
        Text.plural(
            "{count} file was from another version and is kept in {former}",
            "{count} files were from another version and are kept in {former}",
            count=len(edits),
            former=former,
        )
    )


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size == 0


def _exclude(folder: Path, patterns: Sequence[str]) -> None:
    git = folder / ".git"
    if not patterns or not git.is_dir():  # a linked worktree: what it ignores is said elsewhere
        return
    path = git / "info" / "exclude"
    path.parent.mkdir(exist_ok=True)
    content = path.read_bytes() if path.exists() else b""
    missing = [pattern for pattern in patterns if pattern.encode() not in content.splitlines()]
    if missing:
        start = content if not content or content.endswith(b"\n") else content + b"\n"
        write_atomically(path, start + "".join(f"{pattern}\n" for pattern in missing).encode())
