"""What stops an installation before it begins: a folder or a disk that cannot take it."""

from __future__ import annotations

from sdsetup.command import Command
from sdsetup.decide.condition import owner_command
from sdsetup.errors import SdsetupError
from sdsetup.launchfile import FILE_NAMES
from sdsetup.text import Listed, Text, message
from sdsetup.values.facts import Facts, Folder
from sdsetup.values.findings import Report
from sdsetup.values.plan import (
    BuildEnvironment,
    CloneRepository,
    CloneWebUI,
    FetchFile,
    Plan,
    ProvePicture,
    SetAside,
)
from sdsetup.values.tuning import Tuning

# Steps that change what a running web UI has loaded.
_EXCHANGES = (BuildEnvironment, CloneWebUI, CloneRepository, SetAside, ProvePicture)
# Room that stays free beside what a plan needs: journals, logs, the first pictures.
MARGIN_BYTES = 500_000_000


def refuse(facts: Facts, plan: Plan, *, git_command: str | None = None) -> None:
    """Nothing, or the reason why this plan cannot be carried out here.

    Raises:
        SdsetupError: `folder-is-a-file`, `folder-not-writable`, `folder-foreign`, `folder-other-repository`,
            `folder-unreadable`, `folder-of-another-user`, `git-missing`, `disk-full`, `file-too-large`.
    """
    if facts.parts is not None and facts.parts.foreign:
        raise _of_another_user(facts, plan, facts.parts.foreign)
    if facts.folder is not None:
        _refuse_folder(facts.folder)
    if not plan.todo:
        return
    if facts.git is None and not any(step.id == "git" for step in plan.steps):
        raise SdsetupError(
            Text("Git was not found, and the web UI comes through it"),
            hint=Text("Install it, then run the same command again: {how}", how=git_command or "git-scm.com"),
            code="git-missing",
        )
    _refuse_disk(facts, plan)


def _of_another_user(facts: Facts, plan: Plan, folders: tuple[str, ...]) -> SdsetupError:
    names = Listed(name or message("the folder itself") for name in folders)
    return SdsetupError(
        Text("The installation belongs to another account and cannot be written: {names}", names=names),
        where=plan.dir,
        why=Text("it was made or changed by another user once, perhaps by one run with sudo"),
        hint=Text("Make it yours again: {command}", command=owner_command(plan.dir, facts.system.family)),
        code="folder-of-another-user",
    )


def refuse_mixing(facts: Facts, dir: str, *, practised: bool, practising: bool) -> None:
    """Nothing, or the reason why a practice run and the real thing are not done in one folder.

    `practised`: the folder holds a practice run's stand-ins; `practising`: this is another one.

    Raises:
        SdsetupError: `folder-rehearsal`, `folder-real`.
    """
    if practised and not practising:
        raise SdsetupError(
            Text("This folder holds a practice run: its web UI is a stand-in"),
            where=dir,
            hint=Text("Choose another folder with --dir, or add --rehearse to practise again."),
            code="folder-rehearsal",
        )
    if practising and not practised and facts.installation is not None:
        raise SdsetupError(
            Text("This folder holds a real installation, which a practice run would change"),
            where=dir,
            hint=Text("Leave --dir out: a practice run then has a folder of its own."),
            code="folder-real",
        )


def refuse_running(facts: Facts, plan: Plan) -> None:
    """Nothing, or the reason why files are not exchanged now: the web UI runs from them.

    Raises:
        SdsetupError: `webui-running`.
    """
    running = facts.parts.running if facts.parts is not None else None
    if running is None or not any(isinstance(step.action, _EXCHANGES) for step in plan.todo):
        return
    ports = ", ".join(map(str, running.ports))
    raise SdsetupError(
        Text("The web UI is running, and its files would be exchanged under it"),
        where=plan.dir,
        why=Text("process {pid}, on port {ports}" if ports else "process {pid}", pid=running.pid, ports=ports),
        hint=Text("End it (Ctrl-C in its window, or close that window), then run the same command again."),
        code="webui-running",
    )


def by_hand(changed: tuple[str, ...]) -> tuple[str, ...]:
    """Changed files that stand in the way. The launch files are tracked and everybody edits them: git carries
    them along unless upstream changed them too, and refuses by itself then."""
    return tuple(name for name in changed if name not in FILE_NAMES.values())


def local_changes(dir: str, former: str, files: tuple[str, ...]) -> SdsetupError:
    names = ", ".join(files[:5]) or message("them")
    return SdsetupError(
        Text("The web UI there is at another version and has files that were changed by hand"),
        where=dir,
        why=Text("moving from {former} would touch {files}", former=former[:8], files=names),
        hint=Text(
            "Keep your changes with `{stash}`, or stay there: {stay}",
            stash=Command("git", "-C", dir, "stash"),
            stay=Command("sdsetup", "install", "--ref", former),
        ),
        code="local-changes",
    )


def refuse_machine(report: Report) -> None:
    """Nothing, or the first thing about the machine itself that no installation can get around.

    Raises:
        SdsetupError: `machine-os` or `machine-libraries`, in the doctor's own words.
    """
    for finding in report.findings:
        if finding.status == "fail" and finding.id in ("os", "libraries"):
            fix = finding.fix
            raise SdsetupError(
                Text("{title}: {summary}", title=finding.title, summary=finding.summary),
                why=finding.why,
                hint=None
                if fix is None
                else Text("{text} {command}", text=fix.text, command=fix.command)
                if fix.command
                else fix.text,
                code=f"machine-{finding.id}",
            )


def refuse_tuning(tuning: Tuning) -> None:
    """Nothing, or the reason why no torch build fits this machine.

    Raises:
        SdsetupError: `no-torch-build`.
    """
    if tuning.torch is None:
        unsupported = tuning.unsupported
        raise SdsetupError(
            Text("There is no torch build for this machine"),
            why=unsupported.reason if unsupported else None,
            hint=unsupported.instead if unsupported else Text("`sdsetup tune` says what was looked at."),
            code="no-torch-build",
        )


def _refuse_folder(folder: Folder) -> None:
    match folder.state:
        case "file":
            raise SdsetupError(
                Text("The chosen folder is a file, or lies below one"),
                where=folder.path,
                hint=Text("Choose another folder with --dir."),
                code="folder-is-a-file",
            )
        case "unreadable":
            raise SdsetupError(
                Text("The chosen folder cannot be looked into"),
                where=folder.path,
                why=folder.write_error,
                hint=Text("Choose another folder with --dir, one that belongs to you."),
                code="folder-unreadable",
            )
        case "foreign":
            raise SdsetupError(
                Text("The chosen folder holds other things"),
                where=folder.path,
                why=Text("it contains {names}", names=", ".join(folder.entries[:5]) or message("files")),
                hint=Text(
                    "Choose an empty or new folder, for example {option}",
                    option=Command("--dir", _inside(folder.path)),
                ),
                code="folder-foreign",
            )
        case "git":
            raise SdsetupError(
                Text("The chosen folder is another git repository"),
                where=folder.path,
                why=Text("it comes from {remote}", remote=folder.remote or message("somewhere else")),
                hint=Text("Choose an empty or new folder with --dir."),
                code="folder-other-repository",
            )
        case _:
            if folder.writable is False:
                raise SdsetupError(
                    Text("The chosen folder cannot be written"),
                    where=folder.path,
                    why=folder.write_error,
                    hint=Text(
                        "Choose a folder that belongs to you with --dir; administrator rights are not needed."
                    ),
                    code="folder-not-writable",
                )


def _inside(path: str) -> str:
    separator = "\\" if "\\" in path and "/" not in path else "/"
    return path.rstrip("/\\") + separator + "stable-diffusion-webui"


def _refuse_disk(facts: Facts, plan: Plan) -> None:
    free, largest = plan.free_bytes, facts.disk.max_file_bytes
    if free is not None and plan.disk_bytes + MARGIN_BYTES > free:
        raise SdsetupError(
            Text(
                "The disk has too little room: {need:.1f} GB are needed, {free:.1f} GB are free",
                need=(plan.disk_bytes + MARGIN_BYTES) / 1e9,
                free=free / 1e9,
            ),
            where=plan.dir,
            hint=Text("Free some space there, or choose a folder on another drive with --dir."),
            code="disk-full",
        )
    for step in plan.todo:
        if largest is not None and isinstance(step.action, FetchFile) and step.action.size > largest:
            raise SdsetupError(
                Text(
                    "The drive's file system cannot hold {name}: it is larger than {limit:.1f} GB",
                    name=step.action.name,
                    limit=largest / 1e9,
                ),
                where=plan.dir,
                why=Text("the drive is formatted as {kind}", kind=facts.disk.filesystem or "FAT32"),
                hint=Text("Choose a folder on a drive with NTFS or exFAT with --dir."),
                code="file-too-large",
            )
