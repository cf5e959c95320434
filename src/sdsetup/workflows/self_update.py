"""`sdsetup self`: a new version of sdsetup itself, and a command within reach."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup import __version__
from sdsetup.catalog.addresses import parse_address
from sdsetup.catalog.updates import Updates
from sdsetup.command import Command
from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.download.plain import whole
from sdsetup.execute.git.program import GitFailedError, GitRunner
from sdsetup.execute.newer_profiles import LONGEST_ARCHIVE, edition_in_use, take
from sdsetup.probe.own_installation import OwnInstallation, own_installation
from sdsetup.probe.repository import read_repository
from sdsetup.show.document import print_document
from sdsetup.show.screen import Screen
from sdsetup.storage import data_folder
from sdsetup.text import Text
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.self-update/1"


def run_self_update(session: Session, *, dry_run: bool, yes: bool) -> int:
    """The whole of `sdsetup self update`; returns the exit code.

    A starter's git clone is moved forward; the starter makes the environment anew at its next start. Who installed
    sdsetup with a package tool is told the tool's command. Then newer profiles are taken where a source of them is
    configured. Nothing is fetched where no source is known.

    Raises:
        SdsetupError: `self-moved`, git's own cause; `profiles-unreachable` and those of `newer_profiles.take`.
            What was done before stays done.
    """
    here, found = own(session), None
    folder = None if here.folder is None else Path(here.folder)
    repository = read_repository(session.machine, folder) if folder is not None and here.clone else None
    if repository is not None and repository.branch and repository.remote and repository.commit:
        assert folder is not None, "a repository lies in a folder"
        found = _Clone(folder=folder, branch=repository.branch, remote=repository.remote, commit=repository.commit)
    updates = session.catalog.updates
    if not session.json:
        if found is not None:
            session.screen.line(
                Text(
                    "Update sdsetup {version} in {folder} from {url}",
                    version=__version__,
                    folder=found.folder,
                    url=found.remote,
                )
            )
        if updates.urls:
            session.screen.line(Text("Check for newer profiles at {url}", url=updates.urls[0]))
    before, after, profiles = None if found is None else found.commit, None, None
    if not dry_run and (found is not None or updates.urls):
        consent(session, yes=yes, dry_run=True)
        if found is not None:
            after = _forward(session.context(found.folder), found.remote, found.branch)
        if updates.urls:
            profiles = _profiles(session, updates)
    return _told(session, here, before=before, after=after, profiles=profiles)


@dataclass(frozen=True, kw_only=True)
class _Clone:
    """A clone that can be moved forward."""

    folder: Path
    branch: str
    remote: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class _Profiles:
    """The edition that was in use before, and the one that is in use now."""

    before: int
    after: int


def _profiles(session: Session, updates: Updates) -> _Profiles:
    env = session.machine.env
    newest = edition_in_use(env, updates.edition)
    failed: tuple[str, Exception] | None = None
    for url in updates.urls:
        try:
            content = whole(parse_address(url), "", session.machine, LONGEST_ARCHIVE)
            signature = whole(parse_address(url + ".sig"), "", session.machine, 1024)
        except (OSError, ValueError) as error:
            failed = (url, error)
            continue
        taken = take(content, signature, updates.keys, newest=newest, env=env, where=url)
        return _Profiles(before=newest, after=taken or newest)
    assert failed is not None, "there is at least one address"
    raise SdsetupError(
        Text("No profile server responds"),
        where=failed[0],
        why=str(failed[1]),
        hint=Text("Check the internet connection, then run the same command again."),
        code="profiles-unreachable",
    ) from failed[1]


def _forward(context: Context, remote: str, branch: str) -> str:
    git.refuse_foreign(context, context.dir)
    try:
        run = GitRunner(context, context.dir, urlsplit(remote).hostname or remote, existing=True)
        run("fetch", "--progress", "--no-tags", "origin", f"refs/heads/{branch}")
        run("merge", "--quiet", "--ff-only", "FETCH_HEAD")
        return run("rev-parse", "HEAD")
    except GitFailedError as failed:
        own = "fast-forward" in failed.said or "would be overwritten" in failed.said
        raise SdsetupError(
            Text("sdsetup could not be updated"),
            where=context.dir,
            why=Text("its folder has changes or commits of your own") if own else failed.cause.why,
            hint=Text("Update it with `git pull` in that folder.") if own else failed.cause.hint,
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


def _told(
    session: Session,
    here: OwnInstallation,
    *,
    before: str | None = None,
    after: str | None = None,
    profiles: _Profiles | None = None,
) -> int:
    if session.json:
        print_document(
            {
                "schema": SCHEMA,
                "version": __version__,
                "way": here.way,
                "folder": here.folder,
                "command": None if here.command is None else Command(*here.command),
                "from": before,
                "to": after,
                "profiles": None if profiles is None else {"from": profiles.before, "to": profiles.after},
            }
        )
        return EXIT_DONE
    _program_told(session.screen, here, before, after)
    if profiles is not None:
        _profiles_told(session.screen, profiles)
    return EXIT_DONE


def _program_told(screen: Screen, here: OwnInstallation, before: str | None, after: str | None) -> None:
    """What became of sdsetup itself, or how its user updates it."""
    if after is not None:
        mark = screen.mark("ok")
        screen.line(
            Text("{mark} sdsetup is up to date.", mark=mark)
            if after == before
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


def _profiles_told(screen: Screen, profiles: _Profiles) -> None:
    mark = screen.mark("ok")
    screen.line(
        Text("{mark} The profiles are up to date.", mark=mark)
        if profiles.after == profiles.before
        else Text("{mark} Newer profiles are in use (edition {edition}).", mark=mark, edition=profiles.after),
        "ok",
    )
