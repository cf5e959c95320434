"""Brings extensions that are git clones up to date, and sets all of them back where the web UI then fails.

What each stood on is written down first, so that a run that is killed in between is set back by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.folders import file_problems
from sdsetup.execute.git.program import GitFailedError, GitRunner
from sdsetup.storage import read_json, write_json
from sdsetup.text import Text
from sdsetup.values.extensions import Extension

SCHEMA = "sdsetup.extensions-update/1"
_NAME = "extensions-update.json"


def fast_forward(context: Context, extensions: Sequence[Extension]) -> dict[str, tuple[str, str]]:
    """Move each to the newest commit of its branch where that is a plain step forward.

    One that cannot be moved (own commits, a changed file in the way, no connection) stays, with a note.

    Returns:
        name -> (from, to) of those that moved.

    Raises:
        SdsetupError: it could not be written down what they stood on; nothing was moved then.
    """
    clones = [one for one in extensions if one.commit and one.branch and one.remote]
    with file_problems(context.state, Text("The extensions' versions could not be saved")):
        write_json(context.state / _NAME, {"schema": SCHEMA, "commits": {one.path: one.commit for one in clones}})
    moved = {}
    for one in clones:
        assert one.commit is not None and one.branch is not None and one.remote is not None
        try:
            git.refuse_foreign(context, Path(one.path))
            run = GitRunner(context, Path(one.path), urlsplit(one.remote).hostname or one.name, existing=True)
            run("fetch", "--progress", "--no-tags", "origin", f"refs/heads/{one.branch}")
            run("merge", "--quiet", "--ff-only", "FETCH_HEAD")
            now = run("rev-parse", "HEAD")
        except GitFailedError as failed:
            context.tell(Text("{name} was not changed: {why}", name=one.name, why=str(failed) or failed.cause.why))
            continue
        except SdsetupError as error:
            context.tell(Text("{name} was not changed: {why}", name=one.name, why=error.message))
            continue
        if now != one.commit:
            moved[one.name] = (one.commit, now)
    return moved


def keep(context: Context) -> None:
    """The web UI was proved with them: there is nothing to set back any more."""
    (context.state / _NAME).unlink(missing_ok=True)


def interrupted(context: Context) -> bool:
    """Whether an update of the extensions was cut off before they were proved."""
    return bool(_moved(context))


def set_back(context: Context) -> tuple[str, ...]:
    """Put extensions back that were moved and not proved; their names. Changed files are carried along.

    Raises:
        SdsetupError: `extension-stuck` naming one that git could not move.
    """
    stuck: list[str] = []
    back: list[str] = []
    for path, commit in _moved(context).items():
        folder = Path(path)
        try:
            run = GitRunner(context, folder, folder.name, existing=True)
            if run("rev-parse", "HEAD") != commit:
                run("reset", "--quiet", "--keep", commit)
                back.append(folder.name)
        except GitFailedError:
            stuck.append(folder.name)
    if stuck:
        raise SdsetupError(
            Text("Extensions could not be restored: {names}", names=", ".join(stuck)),
            where=context.state / _NAME,
            why=Text("Git refuses to switch its version"),
            hint=Text("Save your changes to it with `git stash`, then run the same command again."),
            code="extension-stuck",
        )
    keep(context)
    return tuple(back)


def _moved(context: Context) -> Mapping[str, str]:
    said: Any = read_json(context.state / _NAME)
    commits = said.get("commits") if isinstance(said, dict) and said.get("schema") == SCHEMA else None
    if not isinstance(commits, dict):
        return {}
    return {str(path): str(commit) for path, commit in commits.items() if (Path(str(path)) / ".git").exists()}
