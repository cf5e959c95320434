"""Writes the launch file: merged into the person's own, with a dated backup before the first change."""

from __future__ import annotations

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
from sdsetup.machine.launch_settings import read_launch_file
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.plan import WriteLauncher

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
        backup = back_up(path, existing)
        target = written_through(path)
        write_atomically(target, wanted)
        if action.kind == "sh":
            target.chmod(target.stat().st_mode | stat.S_IXUSR)
    except OSError as error:
        raise SdsetupError(
            Text("The launch file cannot be written"),
            where=path,
            why=str(error),
            hint=Text(
                "Close programs that have it open, remove its write protection, and run the same command again."
            ),
            code="launch-file-unwritable",
        ) from error
    if backup is not None:
        context.note(Text("Your former launch file is kept as {name}.", name=backup.name))
    return {"path": str(path), "changed": True, "backup": str(backup) if backup else None}


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
