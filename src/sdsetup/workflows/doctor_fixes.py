"""`sdsetup doctor --fix`: cures that act. Itemised, agreed to, reversible without an administrator.

What needs one stays a command to paste. Afterwards only the subjects that a cure touches are asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sdsetup.errors import SdsetupError, UsageError
from sdsetup.execute.caches import cache_size, empty_cache
from sdsetup.execute.context import Context
from sdsetup.execute.folders import same_drive
from sdsetup.execute.git import refuse_foreign
from sdsetup.execute.steps.perform import perform
from sdsetup.machine.git_calls import NO_PROGRAMS
from sdsetup.probe import default_folder
from sdsetup.show.fixing import show_done, show_offer
from sdsetup.show.questions import ask_yes
from sdsetup.text import Text
from sdsetup.values.findings import Finding, Report
from sdsetup.values.plan import BringGit, BringPython
from sdsetup.workflows import log
from sdsetup.workflows.session import Session

_LEAST_CACHE = 100_000_000  # bytes; less is not worth a question


@dataclass(frozen=True, kw_only=True)
class FixAction:
    """One cure that can be carried out now. `run` returns what was done; `folder` is the new target, if any."""

    id: str
    finding: str
    what: Text  # what it will change
    undo: Text
    subjects: tuple[str, ...]
    run: Callable[[Session, Report], Text]
    folder: str | None = None


def apply_fixes(session: Session, report: Report, *, yes: bool) -> tuple[FixAction, ...]:
    """Offer what can be fixed, and do what is agreed to; what was done.

    Raises:
        UsageError: `consent-needed`, when nobody can be asked and `--yes` was not given.
        SdsetupError: why a fix failed; the ones before it are done.
    """
    offered = fix_actions(session, report)
    if not session.json:
        show_offer(offered, report, session.screen)
    if not offered or not _agreed(session, yes=yes):
        return ()
    log.changes()
    for action in offered:
        said = action.run(session, report)
        if not session.json:
            show_done(said, session.screen)
    return offered


def fix_actions(session: Session, report: Report) -> tuple[FixAction, ...]:
    """What can be done for the findings that are not ok, in their order."""
    makers: dict[str, Callable[[Session, Report, Finding], FixAction | None]] = {
        "python": _bring_python,
        "git": _bring_git,
        "disk": _free_caches,
        "folder": _move_folder,
        "long-paths": _git_long_paths,
        "proxy": _spare_loopback,
    }
    found = []
    for finding in report.findings:
        if finding.status in ("warn", "fail") and (maker := makers.get(finding.id)) is not None:
            action = maker(session, report, finding)
            if action is not None:
                found.append(action)
    return tuple(found)


def _agreed(session: Session, *, yes: bool) -> bool:
    if yes:
        return True
    if session.json or not session.screen.interactive:
        raise UsageError(
            Text("Confirmation needed: add --yes"),
            hint=Text("Add --yes to apply the fixes without a question."),
            code="consent-needed",
        )
    return ask_yes(session.screen, Text("Apply these fixes?"))


def _offline(report: Report) -> bool:
    """Nothing can be downloaded now: every server that was asked is out of reach."""
    hosts = report.facts.hosts
    return bool(hosts) and all(host.reachable is False for host in hosts)


def _bring_python(session: Session, report: Report, finding: Finding) -> FixAction | None:
    if finding.fix is None or finding.fix.act != "bring-python" or _offline(report):
        return None
    wanted = ".".join(map(str, session.catalog.doctor.python.wanted))
    tools = _context(session, report).tools

    def run(session: Session, report: Report) -> Text:
        brought = perform(BringPython(version=wanted), _context(session, report), {}, ()).result
        return Text("Python {version} is installed in {path}", version=brought["version"], path=brought["python"])

    return FixAction(
        id="bring-python",
        finding=finding.id,
        what=Text(
            "Download Python {version} to {folder} (PATH and the registry stay unchanged)",
            version=wanted,
            folder=tools / "python",
        ),
        undo=Text("delete that folder"),
        subjects=("pythons",),
        run=run,
    )


def _bring_git(session: Session, report: Report, finding: Finding) -> FixAction | None:
    if finding.fix is None or finding.fix.act != "bring-git" or _offline(report):
        return None
    tools = _context(session, report).tools

    def run(session: Session, report: Report) -> Text:
        archive = session.catalog.tools.mingit
        brought = perform(BringGit(archive=archive), _context(session, report), {}, ()).result
        return Text("Git is installed in {path}", path=brought["git"])

    return FixAction(
        id="bring-git",
        finding=finding.id,
        what=Text("Download Git (MinGit) to {folder} (Windows settings stay unchanged)", folder=tools / "mingit"),
        undo=Text("delete that folder"),
        subjects=("git",),
        run=run,
    )


def _free_caches(session: Session, report: Report, finding: Finding) -> FixAction | None:
    """Only our own cache, and only when it lies on the disk that is short of room."""
    cache = session.cache
    target = Path(report.facts.folder.path) if report.facts.folder else session.machine.home
    size = cache_size(cache) if same_drive(cache, target) else 0
    if size < _LEAST_CACHE:
        return None

    def run(_session: Session, _report: Report) -> Text:
        return Text("Freed {size:.1f} GB", size=empty_cache(cache) / 1e9)

    return FixAction(
        id="free-caches",
        finding=finding.id,
        what=Text("Empty sdsetup's cache in {folder} ({size:.1f} GB)", folder=cache, size=size / 1e9),
        undo=Text("nothing to undo: the next installation downloads the files again"),
        subjects=("disk",),
        run=run,
    )


def _move_folder(session: Session, report: Report, finding: Finding) -> FixAction | None:
    here = report.facts.folder.path if report.facts.folder else None
    place = str(default_folder(session.machine, need_bytes=session.catalog.doctor.install_bytes))
    if here is None or place == here or report.facts.installation is not None:
        return None

    def run(_session: Session, _report: Report) -> Text:
        return Text("Using {folder}", folder=place)

    return FixAction(
        id="move-folder",
        finding=finding.id,
        what=Text("Use {folder} instead (nothing is moved)", folder=place),
        undo=Text("choose a folder with --dir"),
        subjects=(),
        run=run,
        folder=place,
    )


def _git_long_paths(_session: Session, report: Report, finding: Finding) -> FixAction | None:
    facts = report.facts
    if facts.installation is None or facts.git is None or facts.folder is None:
        return None
    git, folder = facts.git.path, Path(facts.folder.path)

    def run(session: Session, report: Report) -> Text:
        refuse_foreign(_context(session, report), folder)
        ended = session.machine.run(
            [git, *NO_PROGRAMS, "-C", str(folder), "config", "core.longpaths", "true"], timeout=20
        )
        if not ended.ok:
            raise SdsetupError(
                Text("The Git setting could not be changed"),
                where=folder,
                why=ended.err.strip() or ended.problem,
                code="git-config-failed",
                hint=None,
            )
        return Text("Git can use long paths in this folder")

    return FixAction(
        id="git-longpaths",
        finding=finding.id,
        what=Text("Allow Git to use long paths in {folder} (core.longpaths, for this folder only)", folder=folder),
        undo=Text("git config --unset core.longpaths"),
        subjects=(),
        run=run,
    )


def _spare_loopback(session: Session, _report: Report, finding: Finding) -> FixAction | None:
    """Windows keeps a user's variables in the registry; elsewhere a shell's own file is not ours to change."""
    if session.machine.family != "windows" or finding.fix is None:
        return None
    value = ",".join(
        dict.fromkeys(
            part.strip()
            for part in (session.machine.env.get("NO_PROXY", "") + ",localhost,127.0.0.1,::1").split(",")
            if part.strip()
        )
    )
    if len(value) > 1000:  # setx cuts what is longer
        return None

    def run(session: Session, _report: Report) -> Text:
        ended = session.machine.run(["setx", "NO_PROXY", value], timeout=20)
        if not ended.ok:
            raise SdsetupError(
                Text("The environment variable NO_PROXY could not be set"),
                why=ended.err.strip() or ended.problem,
                code="setx-failed",
                hint=None,
            )
        return Text("NO_PROXY is set to {value} for programs you start from now on", value=value)

    return FixAction(
        id="no-proxy",
        finding=finding.id,
        what=Text("Set the environment variable NO_PROXY to {value}", value=value),
        undo=Text("set NO_PROXY to its old value with setx"),
        subjects=("hosts",),
        run=run,
    )


def _context(session: Session, report: Report) -> Context:
    return session.context(Path(report.facts.folder.path) if report.facts.folder else session.machine.home)
