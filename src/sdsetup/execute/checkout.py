"""The web UI's own checkout: made new at the pinned commit, or moved there with nothing of the person's lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sdsetup.decide.plan import CloneWebUI
from sdsetup.decide.refusals import by_hand, local_changes
from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.git.program import GitFailedError, Runner
from sdsetup.storage import set_aside_damaged
from sdsetup.text import Text

# Ours, and what we place beside the web UI's own files: not the person's changes, so not for `git status`.
OURS = ("/.sdsetup/", "/openai/", "/webui-user.*.bak")
FORMER_BRANCH = "before-sdsetup"


def place(action: CloneWebUI, context: Context) -> Mapping[str, Any]:
    """A checkout whose HEAD is the pinned commit.

    Raises:
        SdsetupError: `local-changes` when moving would touch files that the person changed; else git's
            own cause.
    """
    _set_damaged_aside(action.restore, context)
    former = git.ask(context, context.dir, "rev-parse", "HEAD") if (context.dir / ".git").exists() else None
    if former is not None and former != action.commit:
        _move(action, context, former)
    git.clone_at(
        action.urls,
        context.dir,
        action.commit,
        action.ref,
        action.full_history,
        context,
        branch=action.branch,
        ignore=OURS,
    )
    _check_restored(action.restore, context)
    return {"commit": action.commit, "former": former if former != action.commit else None}


def _set_damaged_aside(names: tuple[str, ...], context: Context) -> None:
    """Make room for the web UI's own file: git restores what is missing, and leaves what is there."""
    for name in names:
        if os.path.lexists(context.dir / name):
            aside = set_aside_damaged(context.dir / name)
            context.note(Text("{name} is not UTF-8 text; it is kept as {aside}.", name=name, aside=aside.name))


def _check_restored(names: tuple[str, ...], context: Context) -> None:
    if left := [name for name in names if not os.path.lexists(context.dir / name)]:
        raise SdsetupError(
            Text("Files of the web UI are missing: {names}", names=", ".join(left)),
            where=context.dir,
            why=Text("they could not be restored from its Git history"),
            hint=Text("Allow the folder in your virus scanner, then run the same command again."),
            code="webui-incomplete",
        )


def _move(action: CloneWebUI, context: Context, former: str) -> None:
    changed = git.ask(context, context.dir, "status", "--porcelain", "--untracked-files=no")
    # git that gives no answer is no permission: what it would touch is not known then.
    files = ("files that git could not list",) if changed is None else _names(changed)
    if by_hand(files):
        raise local_changes(str(context.dir), former, by_hand(files))
    url = action.urls[0]
    run = Runner(context, context.dir, urlsplit(url).hostname or url)
    try:
        if git.ask(context, context.dir, "cat-file", "-e", f"{action.commit}^{{commit}}") is None:
            shallow = git.ask(context, context.dir, "rev-parse", "--is-shallow-repository") == "true"
            run("fetch", "--progress", "--no-tags", *(["--depth", "1"] if shallow else []), url, action.commit)
            run(
                "fetch",
                "--no-tags",
                *(["--depth", "1"] if shallow else []),
                url,
                f"+refs/tags/{action.ref}:refs/tags/{action.ref}",
            )
        # The former place stays reachable: nothing of the person's history is lost by moving.
        run("branch", "--force", FORMER_BRANCH, former)
        run("checkout", "--quiet", "-B", action.branch, action.commit)
    except GitFailedError as failed:
        if "would be overwritten" in failed.said:
            raise local_changes(str(context.dir), former, files) from failed
        raise SdsetupError(
            Text("The web UI could not be moved to commit {commit}", commit=action.commit[:8]),
            where=context.dir,
            why=failed.cause.why,
            hint=Text("It is still at {former}. Run the same command again.", former=former[:8]),
            code=failed.cause.code,
        ) from failed


def _names(porcelain: str) -> tuple[str, ...]:
    return tuple(line.split(maxsplit=1)[-1] for line in porcelain.splitlines())
