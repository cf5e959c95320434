"""Reads the files with launch settings that lie in an installation. What they mean is `launchfile`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sdsetup.decide.startup import interpreter
from sdsetup.errors import SdsetupError
from sdsetup.launchfile.effective import effective, file_names, kind_of
from sdsetup.machine import Machine
from sdsetup.text import Text
from sdsetup.values.flags import LaunchFile


def read_launch_settings(
    machine: Machine, root: Path, *, instead: Mapping[str, bytes] | None = None
) -> LaunchFile:
    """What the web UI in this folder would see of flags and variables; nothing where no file says any.

    `instead`: name -> bytes that are read in place of what stands in the folder.

    Raises:
        SdsetupError: `launch-file-unreadable`, `launch-file-encoding`.
    """
    kind = kind_of(machine.family)
    page = machine.windows().oem_code_page if kind == "bat" else None
    found = [(instead or {}).get(name) or read_launch_file(root / name) for name in file_names(machine.family)]
    return effective(
        kind,
        [content for content in found if content is not None],
        encoding=f"cp{page}" if page else None,
        environment=machine.env,
        folder=str(root),
    )


def environment_in_use(machine: Machine, root: Path) -> Path:
    """The environment that the web UI in this folder starts with: the one that its launch settings name where a
    Python is in it, else `venv`."""
    own = root / "venv"
    try:
        seen = read_launch_settings(machine, root)
    except SdsetupError:
        return own
    python, named = interpreter(str(root), machine.family, {**seen.apply(machine.env), **seen.variables})
    return own if named is None or not machine.exists(Path(python)) else Path(named)


def read_launch_file(path: Path) -> bytes | None:
    """The file's bytes, None when there is none.

    Raises:
        SdsetupError: `launch-file-unreadable`.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SdsetupError(
            Text("The launch file can't be read"),
            where=path,
            why=str(error),
            hint=Text("Close programs that have it open, or move it away to have a new one created."),
            code="launch-file-unreadable",
        ) from error
