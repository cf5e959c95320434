"""Writes the launch file: merged into the user's own, with a dated backup before the first change."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.launchfile import FILE_NAMES, merge
from sdsetup.machine.launch_files import read_launch_file
from sdsetup.storage import read_json, remove_staged, write_atomically, write_json
from sdsetup.text import Text
from sdsetup.values.plan import WriteLauncher

SCHEMA = "sdsetup.launch-files/1"
_WRITTEN = "launch-files.json"
_log = logging.getLogger("sdsetup.launch_file")


def write(action: WriteLauncher, context: Context) -> Mapping[str, Any]:
    """Merge our settings into `webui-user.bat` or `.sh`; an unchanged file is not touched.

    Raises:
        SdsetupError: `launch-file-unwritable`, and the launcher's own refusals.
    """
    path = context.dir / FILE_NAMES[action.kind]
    existing = read_launch_file(path)
    wanted = merge(action.kind, existing, action.settings, oem_encoding=action.encoding)
    if wanted == existing:
        return {"path": str(path), "changed": False}
    try:
        target = written_through(path)
        for one in {path, target}:  # of a run that was killed, in a folder whose changes git tells
            remove_staged(one)
        backup = back_up(path, existing)
        _note_written(context, wanted)
        write_atomically(target, wanted)
        if action.kind == "sh":
            target.chmod(target.stat().st_mode | stat.S_IXUSR)
    except OSError as error:
        raise SdsetupError(
            Text("The launch file can't be written"),
            where=path,
            why=str(error),
            hint=Text(
                "Close programs that have it open, clear its read-only attribute, and run the same command again."
            ),
            code="launch-file-unwritable",
        ) from error
    if backup is not None:
        context.tell(Text("Backup of the previous launch file: {name}", name=backup.name))
    return {"path": str(path), "changed": True, "backup": str(backup) if backup else None}


def written_before(context: Context) -> frozenset[str]:
    """SHA-256 of every launch file that we have written here: who removes it must know whose it is."""
    said = read_json(context.state / _WRITTEN)
    listed = said.get("sha256") if isinstance(said, dict) and said.get("schema") == SCHEMA else None
    return frozenset(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else frozenset()


def _note_written(context: Context, content: bytes) -> None:
    known = written_before(context) | {hashlib.sha256(content).hexdigest()}
    write_json(context.state / _WRITTEN, {"schema": SCHEMA, "sha256": sorted(known)})


def written_through(path: Path) -> Path:
    """The file to write where a launch file is a symbolic link: what it leads to, so that the link stays."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def back_up(path: Path, content: bytes | None) -> Path | None:
    """Keep the file as it was, once per content: the same bytes are not kept twice."""
    if content is None:
        return None
    kept = sorted(path.parent.glob(f"{path.name}.*.bak"))
    if any(old.is_file() and old.read_bytes() == content for old in kept):
        return None
    day = time.strftime("%Y-%m-%d")
    backup = path.with_name(f"{path.name}.{day}.bak")
    count = 1
    while os.path.lexists(backup):
        count += 1
        backup = path.with_name(f"{path.name}.{day}-{count}.bak")
    write_atomically(backup, content)
    _log.info("backup of %s: %s", path, backup)
    return backup
