"""MinGit: Git for Windows without a setup, in our own tools folder; nothing in Windows is changed."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdsetup.catalog.names import path_problem
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.folders import remove_tree, set_aside
from sdsetup.storage import replace as rename
from sdsetup.text import Text
from sdsetup.values.plan import BringGit

FOLDER = "mingit"
PROGRAM = ("cmd", "git.exe")


def bring(action: BringGit, context: Context) -> dict[str, Any]:
    """Fetch the pinned archive and unpack it as `context.tools / "mingit"`; a whole one is used as it is.

    Returns:
        `{"git": path of git.exe, "archive": its file name}`.

    Raises:
        SdsetupError: from the download; `archive-unsafe` for a member that would leave the folder.
    """
    home = context.tools / FOLDER
    said = home / "sdsetup-archive.txt"
    program = home.joinpath(*PROGRAM)
    if not (program.is_file() and said.is_file() and said.read_bytes() == action.archive.sha256.encode()):
        _unpack(_fetch(action, context), home, action.archive.sha256)
    return {"git": str(program), "archive": action.archive.name}


def _fetch(action: BringGit, context: Context) -> Path:
    from sdsetup.execute.download import DownloadOptions, fetch

    # The archive is for our own tools: it is placed beside them, whatever folder the installation has.
    archive = replace(action.archive, save_as=f"downloads/{action.archive.name}")
    ours = replace(context, dir=context.cache)
    return fetch(archive, ours, options=DownloadOptions(look_for_copies=False)).path


def _unpack(archive: Path, home: Path, sha256: str) -> None:
    stage = home.with_name(f"{home.name}.partial")
    remove_tree(stage)
    stage.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                _refuse_escape(member.filename, archive)
            packed.extractall(stage)
    except (zipfile.BadZipFile, OSError) as error:
        remove_tree(stage)
        raise SdsetupError(
            Text("Git could not be unpacked"),
            where=stage,
            why=str(error),
            hint=Text("Free up disk space or check your antivirus, then run the same command again."),
            code="archive-broken",
        ) from error
    (stage / "sdsetup-archive.txt").write_text(sha256, encoding="ascii")
    if os.path.lexists(home) and not (home / "sdsetup-archive.txt").is_file():
        set_aside(home, home.parent / "former")  # SDSETUP_DATA_DIR may name a folder with other things in it
    remove_tree(home)
    rename(stage, home)
    archive.unlink(missing_ok=True)


def _refuse_escape(name: str, archive: Path) -> None:
    if path_problem(name.removesuffix("/")) is not None:
        raise SdsetupError(
            Text("The archive contains a file that would be written outside its folder ({name})", name=name),
            where=archive,
            hint=Text("Do not use it. Create a support report: sdsetup report"),
            code="archive-unsafe",
        )
