"""Repositories in a kit: git bundles of one commit, and back.

A bundle of a commit without its history names parents that nobody has. Git takes it all the same where the
commit is listed in the file `shallow` first (https://git-scm.com/docs/shallow).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.folders import remove_tree
from sdsetup.execute.git import WantedCommit, clone_at, find
from sdsetup.execute.git.program import GitFailedError, GitRunner
from sdsetup.execute.kit.store import KitStore
from sdsetup.machine.git_calls import NO_PROGRAMS
from sdsetup.storage import replace as rename
from sdsetup.text import Text
from sdsetup.values.kit import KitFile


def bundle(
    name: str, urls: Sequence[str], commit: str, ref: str | None, branch: str, store: KitStore, context: Context
) -> KitFile:
    """A bundle of one commit, under `refs/heads/BRANCH` and its tag `ref`.

    Raises:
        SdsetupError: from the clone; `kit-git` when git cannot write the bundle.
    """
    work = store.work / "git"
    clone = work / name
    clone_at(urls, clone, WantedCommit(commit=commit, ref=ref, branch=branch), replace(context, dir=store.work))
    target = store.work / f"{name}.bundle"
    target.unlink(missing_ok=True)
    refs = [f"refs/heads/{branch}"]
    try:
        run = GitRunner(context, clone, name)
        if ref is not None and run("tag", "--list", ref):
            refs.append(f"refs/tags/{ref}")
        # One thread: more make another file of the same content each time.
        run("-c", "pack.threads=1", "bundle", "create", "--quiet", str(target), "HEAD", *refs)
    except GitFailedError as failed:
        raise _failed(Text("Git could not pack the repository {name}", name=name), failed, clone) from failed
    return store.take(target)


def unbundle(file: Path, commit: str, target: Path, context: Context) -> None:
    """A bare repository with the commit of a bundle, from which it can be cloned; whole or not at all.

    Raises:
        SdsetupError: `kit-git`.
    """
    stage = target.with_name(f"{target.name}.partial")
    remove_tree(stage)
    stage.mkdir(parents=True)
    init = context.machine.run(
        [find(context.machine, context.tools), *NO_PROGRAMS, "init", "--quiet", "--bare", str(stage)], timeout=60
    )
    try:
        if not init.ok:
            raise SdsetupError(
                Text("Git could not create a repository"),
                where=stage,
                why=init.problem or init.err.strip()[-300:],
                hint=Text("Free up space on that drive, then run the same command again."),
                code="kit-git",
            )
        (stage / "shallow").write_text(f"{commit}\n", encoding="ascii", newline="\n")
        run = GitRunner(context, stage, file.name, bare=True)
        run("fetch", "--quiet", str(file), "+refs/*:refs/*")
        run("cat-file", "-e", f"{commit}^{{commit}}")
        run("config", "uploadpack.allowAnySHA1InWant", "true")
    except GitFailedError as failed:
        raise _failed(Text("Git could not read the repository {name}", name=file.name), failed, file) from failed
    remove_tree(target)
    rename(stage, target)


def read_file(file: Path, commit: str, name: str, context: Context) -> bytes:
    """One text file of the commit in a bundle.

    Raises:
        SdsetupError: `kit-git`.
    """
    bare = context.dir / f"{commit}.git"
    if not (bare / "HEAD").is_file():
        unbundle(file, commit, bare, context)
    try:
        return GitRunner(context, bare, file.name, bare=True)("show", f"{commit}:{name}").encode() + b"\n"
    except GitFailedError as failed:
        raise _failed(Text("The repository has no file {name}", name=name), failed, file) from failed


def _failed(message: Text, failed: GitFailedError, where: Path) -> SdsetupError:
    return SdsetupError(
        message,
        where=where,
        why=str(failed),
        hint=Text("Check the kit: sdsetup kit check FOLDER"),
        code="kit-git",
    )
