"""What stops an installation before it begins: for example, an unsuitable folder or a full disk."""

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


def refuse(facts: Facts, plan: Plan, *, git_command: str | None = None) -> None:
    """Return, or raise the reason why this plan can't run here.

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
            Text("Git is required and was not found"),
            hint=Text("Install Git, then run the same command again: {how}", how=git_command or "git-scm.com"),
            code="git-missing",
        )
    _refuse_disk(facts, plan)


def _of_another_user(facts: Facts, plan: Plan, folders: tuple[str, ...]) -> SdsetupError:
    names = Listed(name or message("the install folder") for name in folders)
    return SdsetupError(
        Text("The installation belongs to another account and can't be changed: {names}", names=names),
        where=plan.dir,
        why=Text("another user created or changed it, possibly in a run with sudo"),
        hint=Text("Make your account the owner: {command}", command=owner_command(plan.dir, facts.system.family)),
        code="folder-of-another-user",
    )


def refuse_mixing(facts: Facts, dir: str, *, practised: bool, practising: bool) -> None:
    """Return, or raise the reason why a practice run and a real installation can't share a folder.

    `practised`: the folder contains a practice run; `practising`: this is another one.

    Raises:
        SdsetupError: `folder-rehearsal`, `folder-real`.
    """
    if practised and not practising:
        raise SdsetupError(
            Text("The folder contains a practice run, not a real installation"),
            where=dir,
            hint=Text("Choose another folder with --dir, or add --rehearse to practice again."),
            code="folder-rehearsal",
        )
    if practising and not practised and facts.installation is not None:
        raise SdsetupError(
            Text("The folder contains a real installation, and a practice run would change it"),
            where=dir,
            hint=Text("Leave out --dir: a practice run uses a folder of its own."),
            code="folder-real",
        )


def refuse_running(facts: Facts, plan: Plan) -> None:
    """Return, or raise the reason why files can't be replaced now: the web UI is running from them.

    Raises:
        SdsetupError: `webui-running`.
    """
    running = facts.parts.running if facts.parts is not None else None
    if running is None or not any(isinstance(step.action, _EXCHANGES) for step in plan.todo):
        return
    ports = ", ".join(map(str, running.ports))
    raise SdsetupError(
        Text("The web UI is running, so its files can't be replaced now"),
        where=plan.dir,
        why=Text("process {pid} on port {ports}" if ports else "process {pid}", pid=running.pid, ports=ports),
        hint=Text("Close the web UI's window, then run the same command again."),
        code="webui-running",
    )


def by_hand(changed: tuple[str, ...]) -> tuple[str, ...]:
    """Changed files that block an update. The launch files are tracked and meant to be edited: Git keeps the edits
    unless upstream changed the files too, and then refuses by itself."""
    return tuple(name for name in changed if name not in FILE_NAMES.values())


def local_changes(dir: str, former: str, files: tuple[str, ...]) -> SdsetupError:
    names = ", ".join(files[:5]) or message("them")
    return SdsetupError(
        Text("The web UI in this folder has another version, and some of its files were changed"),
        where=dir,
        why=Text("an update from commit {former} would overwrite {files}", former=former[:8], files=names),
        hint=Text(
            "Set your changes aside with `{stash}`, or keep this version: {stay}",
            stash=Command("git", "-C", dir, "stash"),
            stay=Command("sdsetup", "install", "--ref", former),
        ),
        code="local-changes",
    )


def refuse_machine(report: Report) -> None:
    """Return, or raise the first problem of the machine itself that no installation can work around.

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
    """Return, or raise the reason why no PyTorch build fits this machine.

    Raises:
        SdsetupError: `no-torch-build`.
    """
    if tuning.torch is None:
        unsupported = tuning.unsupported
        raise SdsetupError(
            Text("No version of PyTorch works on this PC"),
            why=unsupported.reason if unsupported else None,
            hint=unsupported.instead if unsupported else Text("For details, run: sdsetup tune"),
            code="no-torch-build",
        )


def _refuse_folder(folder: Folder) -> None:
    match folder.state:
        case "file":
            raise SdsetupError(
                Text("The path is, or is inside, a file"),
                where=folder.path,
                hint=Text("Choose another folder with --dir."),
                code="folder-is-a-file",
            )
        case "unreadable":
            raise SdsetupError(
                Text("The folder can't be read"),
                where=folder.path,
                why=folder.write_error,
                hint=Text("Choose a folder that belongs to you with --dir."),
                code="folder-unreadable",
            )
        case "foreign":
            raise SdsetupError(
                Text("The folder is not empty"),
                where=folder.path,
                why=Text("it contains {names}", names=", ".join(folder.entries[:5]) or message("files")),
                hint=Text(
                    "Choose an empty or new folder, for example: {option}",
                    option=Command("--dir", _inside(folder.path)),
                ),
                code="folder-foreign",
            )
        case "git":
            raise SdsetupError(
                Text("The folder contains another Git repository"),
                where=folder.path,
                why=Text("it was cloned from {remote}", remote=folder.remote) if folder.remote else None,
                hint=Text("Choose an empty or new folder with --dir."),
                code="folder-other-repository",
            )
        case _:
            if folder.writable is False:
                raise SdsetupError(
                    Text("The folder is not writable"),
                    where=folder.path,
                    why=folder.write_error,
                    hint=Text(
                        "Choose a folder that belongs to you with --dir. Administrator rights aren't needed."
                    ),
                    code="folder-not-writable",
                )


def _inside(path: str) -> str:
    separator = "\\" if "\\" in path and "/" not in path else "/"
    return path.rstrip("/\\") + separator + "stable-diffusion-webui"


def _refuse_disk(facts: Facts, plan: Plan) -> None:
    free, largest = plan.free_bytes, facts.disk.max_file_bytes
    if free is not None and plan.disk_bytes > free:
        raise SdsetupError(
            Text(
                "Not enough disk space: {need:.1f} GB needed, {free:.1f} GB free",
                need=plan.disk_bytes / 1e9,
                free=free / 1e9,
            ),
            where=plan.dir,
            hint=Text("Free up some space there, or choose a folder on another drive with --dir."),
            code="disk-full",
        )
    for step in plan.todo:
        if largest is not None and isinstance(step.action, FetchFile) and step.action.size > largest:
            raise SdsetupError(
                Text(
                    "The drive can't store {name}: its file system allows files up to {limit:.1f} GB",
                    name=step.action.name,
                    limit=largest / 1e9,
                ),
                where=plan.dir,
                why=Text("the drive is formatted with {kind}", kind=facts.disk.filesystem or "FAT32"),
                hint=Text("Choose a folder on a drive formatted with NTFS or exFAT with --dir."),
                code="file-too-large",
            )
