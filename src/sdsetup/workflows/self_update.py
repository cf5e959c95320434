"""`sdsetup self`: a new version of sdsetup itself, and a command within reach."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sdsetup import __version__
from sdsetup.command import Command
from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.git.program import GitFailedError, Runner
from sdsetup.probe.own_installation import own_installation
from sdsetup.probe.repository import read_repository
from sdsetup.show.document import print_document
from sdsetup.storage import data_folder
from sdsetup.text import Text
from sdsetup.values.own_installation import OwnInstallation
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.self-update/1"


def run_self_update(session: Session, *, dry_run: bool, yes: bool) -> int:
    """The whole of `sdsetup self update`; returns the exit code.

    A starter's git clone is moved forward; the starter makes the environment anew at its next start. Who installed
    sdsetup with a package tool is told the tool's command. Nothing is fetched where no source is known.

    Raises:
        SdsetupError: `self-moved`, git's own cause; nothing was changed then.
    """
    here = own(session)
    if here.folder is None or not here.clone:
        return _told(session, here)
    folder = Path(here.folder)
    repository = read_repository(session.machine, folder)
    if repository is None or repository.branch is None or repository.remote is None or repository.commit is None:
        return _told(session, here)
    if not session.json:
        session.screen.line(
            Text(
                "Update sdsetup {version} in {folder} from {url}",
                version=__version__,
                folder=folder,
                url=repository.remote,
            )
        )
    if dry_run:
        return _told(session, here, before=repository.commit)
    consent(session, yes=yes, dry_run=True)
    now = _forward(session.context(folder), repository.remote, repository.branch)
    return _told(session, here, before=repository.commit, after=now)


def _forward(context: Context, remote: str, branch: str) -> str:
    git.refuse_foreign(context, context.dir)
    try:
        run = Runner(context, context.dir, urlsplit(remote).hostname or remote, existing=True)
        run("fetch", "--progress", "--no-tags", "origin", f"refs/heads/{branch}")
        run("merge", "--quiet", "--ff-only", "FETCH_HEAD")
        return run("rev-parse", "HEAD")
    except GitFailedError as failed:
        own = "fast-forward" in failed.said or "would be overwritten" in failed.said
        raise SdsetupError(
            Text("sdsetup could not be updated"),
            where=context.dir,
            why=Text("its folder has changes or commits of your own") if own else failed.cause.why,
            hint=Text("Update it with git pull in that folder.") if own else failed.cause.hint,
            code="self-moved" if own else failed.cause.code,
        ) from failed


def own(session: Session) -> OwnInstallation:
    """How sdsetup came onto this PC."""
    try:
        package = Path(str(importlib.metadata.distribution("sdsetup").locate_file("")))
        found = sorted(package.glob("sdsetup-*.dist-info"))
    except importlib.metadata.PackageNotFoundError:
        found = []
    return own_installation(
        session.machine,
        prefix=Path(sys.prefix),
        python=sys.executable,
        data=data_folder(session.machine.env),
        package=found[0] if found else Path(sys.prefix),
    )


def _told(session: Session, here: OwnInstallation, *, before: str | None = None, after: str | None = None) -> int:
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "version": __version__,
        "way": here.way,
        "folder": here.folder,
        "command": None if here.command is None else Command(*here.command),
        "from": before,
        "to": after,
    }
    if session.json:
        print_document(document)
        return EXIT_DONE
    screen = session.screen
    if after is not None:
        same = after == before
        mark = screen.mark("ok")
        screen.line(
            Text("{mark} sdsetup is up to date.", mark=mark)
            if same
            else Text("{mark} Updated. The next start prepares the new version.", mark=mark),
            "ok",
        )
    elif here.command is not None:
        screen.line(
            Text("sdsetup {version} was installed with {way}. Update it with:", version=__version__, way=here.way)
        )
        screen.command(Command(*here.command), indent=2)
    elif before is None:
        screen.line(
            Text(
                "sdsetup {version} runs from {folder}, which can't be updated automatically. Download the new"
                " version, extract it, and start it from there.",
                version=__version__,
                folder=here.folder or sys.prefix,
            )
        )
    return EXIT_DONE
