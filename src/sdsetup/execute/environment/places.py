"""Where an environment is built, where it goes, and where packages are cached so that links suffice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.folders import nearest_existing, same_drive, set_aside
from sdsetup.storage import read_own, replace, write_json
from sdsetup.text import Text
from sdsetup.values.layout import ENVIRONMENT_MARK
from sdsetup.values.shape import OwnFile

_MARK = OwnFile(schema=None, shape={"lock": str, "versions?": {str: str}})


@dataclass(frozen=True, kw_only=True)
class Places:
    """`question` holds the resolver's files, `stage` the environment in the making.

    `cache` is ours for wheels and bytecode, `packages` is uv's; all on the drive of the environment
    where that is possible, since hard links do not cross drives.
    """

    venv: Path
    stage: Path
    question: Path
    cache: Path
    packages: Path


def places(context: Context) -> Places:
    context.state.mkdir(parents=True, exist_ok=True)
    cache = context.cache if same_drive(context.cache, context.dir) else context.state / "cache"
    return Places(
        venv=context.dir / "venv",
        stage=context.state / "partial" / "venv",
        question=context.state / "environment",
        cache=cache,
        packages=_packages(context, cache),
    )


def marker(venv: Path) -> Mapping[str, Any]:
    """What a finished environment of ours says about itself; empty for any other folder."""
    return read_own(venv / ENVIRONMENT_MARK, _MARK).value or {}


def mark(venv: Path, said: Mapping[str, Any]) -> None:
    write_json(venv / ENVIRONMENT_MARK, said)


def starts(python: Path, context: Context) -> bool:
    """Whether this interpreter runs and is the one of its environment."""
    if not python.exists():
        return False
    ended = context.machine.run([str(python), "-I", "-B", "-c", "import sys, pip; print(sys.prefix)"], timeout=60)
    return ended.ok and Path(ended.out.strip()).resolve() == python.parent.parent.resolve()


def identity(venv: Path) -> str | None:
    """What tells one environment from another, wherever it lies: the lock of one that we made, and when it was
    made. None where there is none."""
    lock = marker(venv).get("lock")
    try:
        made = (venv / "pyvenv.cfg").stat().st_mtime_ns
    except OSError:
        made = 0
    return f"{lock or 'other'}@{made}" if lock or made else None


def is_environment(venv: Path, wanted: str) -> bool:
    """Whether an environment has this identity. Earlier versions remembered the lock alone."""
    found = identity(venv)
    return found is not None and wanted in (found, found.partition("@")[0])


def former(context: Context, wanted: str) -> Path | None:
    """The environment of this identity among those that were set aside."""
    folder = context.state / "former"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((venv for venv in found if is_environment(venv, wanted)), None)


def exchange(new: Path, context: Context) -> str | None:
    """Put an environment into its place; where the one that was there is kept, None without one.

    Nothing is deleted, whoever made it: packages of extensions, or an environment of the user's own, cannot
    be had again.

    Raises:
        SdsetupError: `environment-in-use` when the web UI is running from it; it is still in its place then.
    """
    venv, kept = context.dir / "venv", None
    try:
        if os.path.lexists(venv):
            kept = set_aside(venv, context.state / "former")
        try:
            replace(new, venv)
        except OSError:
            if kept is not None:
                replace(kept, venv)
            raise
    except PermissionError as error:
        raise SdsetupError(
            Text("The Python environment can't be replaced while it is in use"),
            where=error.filename or venv,
            why=error.strerror or str(error),
            hint=Text(
                "Close the web UI and other programs that use this folder, then run the same command again."
            ),
            code="environment-in-use",
        ) from error
    return None if kept is None else str(kept)


def refuse_full_disk(where: Places, missing: int, all_of_them: int) -> None:
    """Ask for room before the first byte. `missing` and `all_of_them` are bytes of wheels.

    Wheels unpack to about 1.9 times their size (torch 2.1.2 with all it needs: 2.99 GB to 5.6 GB), and lie
    beside it until they are unpacked. On one drive the environment is made of links and adds nothing.

    Raises:
        SdsetupError: `disk-full`.
    """
    needed = {where.packages: int(missing * 2.9)}
    if not same_drive(where.packages, where.venv):
        needed[where.venv] = int(all_of_them * 1.9)
    for place, size in needed.items():
        free = shutil.disk_usage(nearest_existing(place)).free
        if free < size:
            raise SdsetupError(
                Text(
                    "Not enough disk space for the packages: {needed:.1f} GB needed, {free:.1f} GB free",
                    needed=size / 1e9,
                    free=free / 1e9,
                ),
                where=place,
                hint=Text(
                    "Free up disk space or choose a folder on another drive, then run the same command again."
                ),
                code="disk-full",
            )


def _packages(context: Context, ours: Path) -> Path:
    """uv's cache: the one the user chose; else their uv's usual one if it is on this drive; else ours."""
    chosen = context.machine.env.get("UV_CACHE_DIR")
    if chosen:
        return Path(chosen)
    ended = context.machine.run([uv.find(context.machine), "cache", "dir"], timeout=30)
    usual = Path(ended.out.strip()) if ended.ok and ended.out.strip() else None
    if usual is not None and usual.is_dir() and same_drive(usual, context.dir):
        return usual
    return ours / "uv"
