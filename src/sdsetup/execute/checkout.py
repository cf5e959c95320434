"""The web UI's own checkout: made new at the pinned commit, or moved there when it is clean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdsetup.decide.plan import CloneWebUI
from sdsetup.execute import git
from sdsetup.execute.context import Context

# Ours, and what we place beside the web UI's own files: not the person's changes, so not for `git status`.
_OURS = ("/.sdsetup/", "/openai/", "/webui-user.*.bak")


def place(action: CloneWebUI, context: Context) -> Mapping[str, Any]:
    """A checkout whose HEAD is the pinned commit.

    Raises:
        SdsetupError: from git, with what it said.
    """
    former = git.head(context.dir, context.machine) if (context.dir / ".git").exists() else None
    if former is None:
        git.clone_at(
            action.urls,
            context.dir,
            commit=action.commit,
            ref=action.ref,
            full_history=action.full_history,
            branch=action.branch,
            context=context,
        )
    elif former != action.commit:
        git.move_to(action.urls, context.dir, commit=action.commit, ref=action.ref, context=context)
    _exclude(context)
    return {"commit": action.commit, "former": former}


def _exclude(context: Context) -> None:
    path = context.dir / ".git" / "info" / "exclude"
    known = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    missing = [line for line in _OURS if line not in known]
    if missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*known, *missing]) + "\n", encoding="utf-8")
