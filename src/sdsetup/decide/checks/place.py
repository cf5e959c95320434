"""Checks of the install folder and of the disk it is on."""

from __future__ import annotations

import re

from sdsetup.catalog.doctor import Requirements
from sdsetup.catalog.names import system_problem
from sdsetup.command import Command
from sdsetup.decide.checks.wording import disk as gb
from sdsetup.decide.checks.wording import memory as binary_gb
from sdsetup.decide.checks.wording import unanswered
from sdsetup.decide.default_folder import better_folder
from sdsetup.text import Text, message
from sdsetup.values.facts import Facts, Folder
from sdsetup.values.findings import Finding, Fix

_DISK = Text("Disk space")
_FOLDER = Text("Install folder")


def disk(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "disk", "disk", _DISK):
        return found
    told = facts.disk
    if told.free_bytes is None:
        return Finding(id="disk", status="skip", title=_DISK, summary=Text("free space unknown"))
    free, needed = gb(told.free_bytes), gb(need.disk_bytes)
    said = (
        Text("{free} free ({kind}), {need} needed", free=free, kind=told.filesystem, need=needed)
        if told.filesystem
        else Text("{free} free, {need} needed", free=free, need=needed)
    )
    if need.download_bytes:
        said = Text("{disk}, {download} to download", disk=said, download=gb(need.download_bytes))
    if told.free_bytes < need.disk_bytes:
        return Finding(
            id="disk",
            status="fail",
            title=_DISK,
            summary=said,
            why=Text(need.limits.disk_because),
            fix=_elsewhere(facts, need, Text("Free up some space, or choose a drive with more:")),
        )
    if told.max_file_bytes is not None and need.largest_file_bytes > told.max_file_bytes:
        return Finding(
            id="disk",
            status="fail",
            title=_DISK,
            summary=said,
            why=Text(
                "{kind} can't store files larger than {limit}. The model is {size}.",
                kind=told.filesystem or message("This file system"),
                limit=binary_gb(told.max_file_bytes),
                size=gb(need.largest_file_bytes),
            ),
            fix=_elsewhere(facts, need, Text("Choose a drive formatted with NTFS, exFAT, or ext4:")),
        )
    warning = _disk_warning(facts, need)
    if warning is not None:
        why, fix = warning
        return Finding(id="disk", status="warn", title=_DISK, summary=said, why=why, fix=fix)
    return Finding(id="disk", status="ok", title=_DISK, summary=said)


def folder(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "folder", "folder", _FOLDER):
        return found
    folder = facts.folder
    if folder is None:
        return Finding(id="folder", status="skip", title=_FOLDER, summary=Text("not chosen"))
    said = Text("{path}", path=folder.path)
    refused = _refused(facts, folder, need)
    if refused is not None:
        return Finding(
            id="folder",
            status="fail",
            title=_FOLDER,
            summary=said,
            why=refused,
            fix=_elsewhere(facts, need, Text("Choose another folder:")),
        )
    warned = _warned(facts, folder, need)
    if warned is not None:
        return Finding(
            id="folder",
            status="warn",
            title=_FOLDER,
            summary=said,
            why=warned,
            fix=_elsewhere(facts, need, Text("Choose a short path with plain letters:"), act="move-folder"),
        )
    state = {
        "absent": message("will be created"),
        "empty": message("empty"),
        "webui": message("contains a web UI"),
        "models": message("contains only models"),
    }.get(folder.state, "")
    return Finding(
        id="folder", status="ok", title=_FOLDER, summary=Text("{path} ({state})", path=folder.path, state=state)
    )


def reserved_part(path: str) -> str | None:
    """The first part of a Windows path that Windows does not allow, None when all are allowed."""
    parts = re.split(r"[\\/]+", path)
    for part in parts[1:] if re.fullmatch(r"[A-Za-z]:|\\\\\?", parts[0]) else parts:
        if part not in ("", ".", "..") and system_problem(part) is not None:
            return part
    return None


def _refused(facts: Facts, folder: Folder, need: Requirements) -> Text | None:
    """What cannot work, or would touch what isn't ours."""
    windows = facts.system.family == "windows"
    if folder.state == "file":
        return Text("The path is, or is inside, a file.")
    if windows and (part := reserved_part(folder.path)) is not None:
        return Text("Windows doesn't allow the name {name}.", name=repr(part))
    if folder.protected_root is not None:
        return Text("Only an administrator can write to {root}.", root=folder.protected_root)
    if folder.state == "unreadable":
        return Text("The folder can't be read: {why}.", why=folder.write_error or message("no permission"))
    if folder.state == "git":
        return (
            Text("The folder contains another project ({remote}).", remote=folder.remote)
            if folder.remote
            else Text("The folder contains another project.")
        )
    if folder.state == "foreign":
        return Text("The folder is not empty: {names}.", names=", ".join(folder.entries))
    if windows and len(folder.path) > need.limits.folder_longest:
        return Text(
            "The path has {count} characters. {because}",
            count=len(folder.path),
            because=Text(need.limits.folder_because),
        )
    if folder.cloud_root is not None:
        return Text(
            "{root} syncs to the cloud: it would upload 10 GB and lock files.",
            root=folder.cloud_root,
        )
    foreign = facts.installation is not None and facts.installation.foreign_owner
    if folder.writable is False and not foreign:  # what another account's needs, the check of the web UI says
        if facts.system.controlled_folders:
            return Text("Controlled folder access in Windows blocks programs from writing there.")
        return Text("The folder isn't writable: {why}.", why=folder.write_error or message("no permission"))
    return None


def _warned(facts: Facts, folder: Folder, need: Requirements) -> Text | None:
    """What may work, but trips up some of the web UI's own scripts."""
    windows = facts.system.family == "windows"
    limits = need.limits
    if not folder.path.isascii():
        letters = "".join(dict.fromkeys(letter for letter in folder.path if not letter.isascii()))[:8]
        return Text(
            "Some programs and the command prompt can't read characters such as {letters} in a path.",
            letters=letters,
        )
    body = folder.path[2:] if windows else folder.path
    odd = [letter for letter in limits.folder_letters if letter in body]
    if odd:
        return Text("The web UI's scripts fail on these characters in a path: {letters}", letters=" ".join(odd))
    if windows and len(folder.path) > limits.folder_comfortable and not facts.system.long_paths:
        return Text(
            "The path has {count} characters. The Python environment adds 150, and Windows allows 260.",
            count=len(folder.path),
        )
    if facts.system.wsl and folder.path.startswith("/mnt/"):
        return Text("Windows drives are slow in WSL: starting takes several times as long.")
    if not windows and " " in folder.path:
        return Text("The path contains a space, and some extensions fail on it.")
    return None


def _disk_warning(facts: Facts, need: Requirements) -> tuple[Text, Fix] | None:
    told = facts.disk
    assert told.free_bytes is not None
    if told.free_bytes < need.disk_bytes + need.spare_bytes:
        return (
            Text("Little space will be left, and each additional model takes 2 to 7 GB."),
            _elsewhere(facts, need, Text("Free up some space, or choose a drive with more:")),
        )
    if told.drive == "network":
        return (
            Text("This is a network drive: starting and loading take much longer."),
            _elsewhere(facts, need, Text("Choose a drive inside this PC:")),
        )
    if told.drive == "removable":
        return (
            Text("This drive is removable: its drive letter may change."),
            _elsewhere(facts, need, Text("Choose a drive inside this PC:")),
        )
    temp = facts.temp
    if temp is not None and temp.free_bytes is not None and temp.free_bytes < need.temp_bytes:
        return (
            Text("The drive for temporary files has only {free} free.", free=gb(temp.free_bytes)),
            Fix(
                text=Text(
                    "Free up some space there: unpacking takes {need}.",
                    need=gb(need.temp_bytes),
                )
            ),
        )
    return None


def _elsewhere(facts: Facts, need: Requirements, text: Text, act: str | None = None) -> Fix:
    family = facts.system.family
    place = better_folder(facts, need_bytes=need.disk_bytes + need.spare_bytes)
    here = facts.folder.path if facts.folder else ""
    if here == place or (family != "windows" and here.endswith(place[1:])):
        return Fix(text=text, command=None)
    return Fix(text=text, command=Command("sdsetup", "install", "--dir", place, family=family), act=act)
