"""The web UI's own checkout, made new at the pinned commit or moved there with nothing of the user's lost; and the
repositories it asks for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from sdsetup.decide.refusals import by_hand, local_changes
from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.folders import inside
from sdsetup.execute.git.fetching import PAUSES, from_first
from sdsetup.execute.git.program import GitFailedError, GitRunner
from sdsetup.execute.git.seal import seal, sealed
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import set_aside_damaged
from sdsetup.text import Text
from sdsetup.values.layout import STATE_FOLDER
from sdsetup.values.plan import CloneRepository, CloneWebUI

# Ours, and what we place beside the web UI's own files: not the user's changes, so not for `git status`.
OURS = (f"/{STATE_FOLDER}/", "/openai/", "/webui-user.*.bak")
FORMER_BRANCH = "before-sdsetup"
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def place(action: CloneWebUI, context: Context) -> Mapping[str, Any]:
    """A checkout whose HEAD is the pinned commit.

    Raises:
        SdsetupError: `local-changes` when moving would touch files that the user changed; else git's
            own cause.
    """
    _set_damaged_aside(action.restore, context)
    former = _standing(context)
    if former is not None and former != action.commit:
        _move(action, context, former)
    wanted = git.WantedCommit(
        commit=action.commit, ref=action.ref, full_history=action.full_history, branch=action.branch
    )
    git.clone_at(action.urls, context.dir, wanted, context, ignore=OURS, own=tuple(FILE_NAMES.values()))
    _check_restored(action.restore, context)
    return {"commit": action.commit, "former": former if former != action.commit else None}


def _set_damaged_aside(names: tuple[str, ...], context: Context) -> None:
    """Make room for the web UI's own file: git restores what is missing, and leaves what is there."""
    for name in names:
        if os.path.lexists(context.dir / name):
            aside = set_aside_damaged(context.dir / name)
            context.tell(Text("{name} is not UTF-8 text. It is kept as {aside}.", name=name, aside=aside.name))


def _check_restored(names: tuple[str, ...], context: Context) -> None:
    if left := [name for name in names if not os.path.lexists(context.dir / name)]:
        raise SdsetupError(
            Text("Files of the web UI are missing: {names}", names=", ".join(left)),
            where=context.dir,
            why=Text("they could not be restored from the Git history"),
            hint=Text("Add this folder to your antivirus exclusions, then run the same command again."),
            code="webui-incomplete",
        )


def _standing(context: Context) -> str | None:
    """The commit that is checked out, after HEAD and index have been repaired where possible; None without one."""
    git.refuse_foreign(context, context.dir)
    found = git.commit_of(context, context.dir)
    if found is None and os.path.lexists(context.dir / ".git"):
        found = git.repair_head(context, context.dir)
        git.refuse_foreign(context, context.dir)
    if found is not None and git.ask(context, context.dir, "ls-files", "--deleted") is None:
        git.repair_index(context, context.dir)
    return found


def _move(action: CloneWebUI, context: Context, former: str) -> None:
    changed = git.ask(context, context.dir, "status", "--porcelain", "--untracked-files=no")
    # git that gives no answer is no permission: what it would touch is not known then.
    files = ("files that Git could not list",) if changed is None else _names(changed)
    if by_hand(files):
        raise local_changes(str(context.dir), former, by_hand(files))
    with _told(context, action.commit, former, files):
        bring(action, context)
        stand_on(context, action.commit, action.branch, former=former, files=files)


def bring(action: CloneWebUI, context: Context) -> None:
    """Fetch the wanted commit into the repository that is there; nothing is checked out.

    Raises:
        SdsetupError: no address has it, with the last cause.
    """
    ours = sealed(context.dir)
    if git.ask(context, context.dir, "cat-file", "-e", f"{action.commit}^{{commit}}") is None:
        from_first(action.urls, lambda url, first_word: _fetch(url, action, context, first_word), context, PAUSES)
    if ours:
        seal(context.dir)


def stand_on(
    context: Context, commit: str, branch: str | None, *, former: str, files: tuple[str, ...] = ()
) -> None:
    """Check out a commit that is in the repository, on `branch` (None: detached). Changed files are carried along.

    Raises:
        SdsetupError: `local-changes` when a file that the user changed is in the way; git's own cause. Nothing was
            changed then.
    """
    with _told(context, commit, former, files):
        run = GitRunner(context, context.dir, "", existing=True)
        ours = sealed(context.dir)
        _keep_reachable(run, former, branch)
        where = ("--detach",) if branch is None else ("-B", branch)
        run("checkout", "--quiet", "--no-overwrite-ignore", *where, commit)
        if ours:  # it still holds nothing but what we put there
            seal(context.dir)


@contextmanager
def _told(context: Context, commit: str, former: str, files: tuple[str, ...]) -> Iterator[None]:
    """Git's failures in words."""
    try:
        yield
    except GitFailedError as failed:
        if "would be overwritten" in failed.said:
            raise local_changes(str(context.dir), former, files) from failed
        raise SdsetupError(
            Text("The web UI could not be switched to commit {commit}", commit=commit[:8]),
            where=context.dir,
            why=failed.cause.why,
            hint=Text("It is still at {former}. Run the same command again.", former=former[:8]),
            code=failed.cause.code,
        ) from failed


def _fetch(url: str, action: CloneWebUI, context: Context, first_word: float | None) -> None:
    source = urlsplit(url).hostname or url
    run = GitRunner(context, context.dir, source, existing=True, first_word=first_word)
    shallow = git.ask(context, context.dir, "rev-parse", "--is-shallow-repository") == "true"
    depth = ("--depth", "1") if shallow else ()
    run("fetch", "--progress", "--no-tags", *depth, url, action.commit)
    if action.ref != action.commit:  # a commit that was named itself has no tag
        _fetch_tag(run, url, action.ref, depth)


def _fetch_tag(run: GitRunner, url: str, ref: str, depth: tuple[str, ...]) -> None:
    """The tag makes `git describe` speak; a tag of that name that is there may be the user's own, and stays."""
    try:
        run("rev-parse", "--verify", "--quiet", f"refs/tags/{ref}")
    except GitFailedError:
        run("fetch", "--no-tags", *depth, url, f"refs/tags/{ref}:refs/tags/{ref}")


def _keep_reachable(run: GitRunner, former: str, branch: str | None) -> None:
    """A branch for every commit that moving would leave without one: where HEAD is, and where `branch` is.

    Raises:
        GitFailedError: a question that fails is no permission to move a branch.
    """
    for commit in dict.fromkeys((former, None if branch is None else _place_of(run, branch))):
        number, kept = 1, False
        while commit is not None and not kept:
            name = FORMER_BRANCH if number == 1 else f"{FORMER_BRANCH}-{number}"
            there = _place_of(run, name)
            if there is None:
                run("branch", name, commit)
            kept = there in (None, commit)
            number += 1


def _place_of(run: GitRunner, branch: str) -> str | None:
    """The commit of a branch, None where there is no such branch."""
    lines = run("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").splitlines()
    return next((line for line in lines if _ID.fullmatch(line)), None)


def _names(porcelain: str) -> tuple[str, ...]:
    return tuple(line.split(maxsplit=1)[-1] for line in porcelain.splitlines())


def clone_repository(action: CloneRepository, context: Context) -> dict[str, Any]:
    """Bring one repository; a half-made one is made again, changes of the user are kept aside.

    Returns:
        `{"commit", "url", "kept"}`: `url` is None where it was whole already.

    Raises:
        SdsetupError: when no address has it; what `inside` refuses.
    """
    target = inside(f"repositories/{action.name}", context.dir)
    done = git.clone_at(action.urls, target, git.WantedCommit(commit=action.commit), context)
    return {"commit": done.commit, "url": done.url, "kept": None if done.kept is None else str(done.kept)}
