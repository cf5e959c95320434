"""Where an environment is built, where it goes, and where packages are cached so that links suffice."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.decide.shape import OwnFile
from sdsetup.errors import SdsetupError
from sdsetup.execute import uv
from sdsetup.execute.context import Context
from sdsetup.execute.folders import remove_tree
from sdsetup.storage import read_own, replace, write_json
from sdsetup.text import Text

MARKER = ".sdsetup-environment.json"
_MARK = OwnFile(schema=None, shape={"lock": str, "versions?": {str: str}})


@dataclass(frozen=True, kw_only=True)
class Places:
    """`question` holds the resolver's files, `stage` the environment in the making, `former` the replaced one.

    `cache` is ours for wheels and bytecode, `packages` is uv's; all on the drive of the environment
    where that is possible, since hard links do not cross drives.
    """

    venv: Path
    stage: Path
    former: Path
    question: Path
    cache: Path
    packages: Path


def places(context: Context) -> Places:
    context.state.mkdir(parents=True, exist_ok=True)
    cache = context.cache if _same_drive(context.cache, context.dir) else context.state / "cache"
    return Places(
        venv=context.dir / "venv",
        stage=context.state / "partial" / "venv",
        former=context.state / "former" / "venv",
        question=context.state / "environment",
        cache=cache,
        packages=_packages(context, cache),
    )


def python_of(venv: Path, family: str) -> Path:
    return venv / "Scripts" / "python.exe" if family == "windows" else venv / "bin" / "python"


def marker(venv: Path) -> Mapping[str, Any]:
    """What a finished environment of ours says about itself; empty for any other folder."""
    return read_own(venv / MARKER, _MARK).value or {}


def mark(venv: Path, said: Mapping[str, Any]) -> None:
    write_json(venv / MARKER, said)


def starts(python: Path, context: Context) -> bool:
    """Whether this interpreter runs and is the one of its environment."""
    if not python.exists():
        return False
    ended = context.machine.run([str(python), "-I", "-c", "import sys, pip; print(sys.prefix)"], timeout=60)
    return ended.ok and Path(ended.out.strip()).resolve() == python.parent.parent.resolve()


def holds(venv: Path, versions: Mapping[str, str]) -> bool:
    """Whether every package of the lock is there in its version, told by names alone; more may be there."""
    folders = [*venv.glob("lib/python3.*/site-packages"), *venv.glob("Lib/site-packages")]
    there = {info.name.removesuffix(".dist-info") for folder in folders for info in folder.glob("*.dist-info")}
    return {_dist(name, version) for name, version in versions.items()} <= {
        _dist(*name.split("-", 1)) for name in there
    }


def _dist(name: str, version: str = "") -> tuple[str, str]:
    return re.sub(r"[-_.]+", "_", name).lower(), version


def swap_in(where: Places, context: Context) -> str | None:
    """Make the finished stage the environment. A former one that works is kept, one generation; its place.

    Raises:
        SdsetupError: `environment-in-use` when the web UI is running from it.
    """
    kept = None
    try:
        if os.path.lexists(where.venv):
            works = starts(python_of(where.venv, context.machine.family), context)
            remove_tree(where.former)
            where.former.parent.mkdir(parents=True, exist_ok=True)
            replace(where.venv, where.former)
            kept = str(where.former)
            if not works:
                remove_tree(where.former)
                kept = None
        replace(where.stage, where.venv)
    except PermissionError as error:
        raise SdsetupError(
            Text("The environment cannot be exchanged while a program uses it"),
            where=where.venv,
            why=str(error),
            hint=Text(
                "Close the web UI and programs that look into this folder, then run the same command again."
            ),
            code="environment-in-use",
        ) from error
    return kept


def swap_back(context: Context) -> bool:
    """Bring the former environment back and keep the present one in its place; False where there is none.

    Raises:
        SdsetupError: `environment-in-use`.
    """
    where = places(context)
    if not where.former.is_dir():
        return False
    remove_tree(where.stage)
    where.stage.parent.mkdir(parents=True, exist_ok=True)
    try:
        replace(where.former, where.stage)
    except PermissionError as error:
        raise SdsetupError(
            Text("The former environment cannot be moved"),
            where=where.former,
            why=str(error),
            hint=Text("Close programs that look into this folder, then run the same command again."),
            code="environment-in-use",
        ) from error
    swap_in(where, context)
    return True


def refuse_full_disk(where: Places, missing: int, all_of_them: int) -> None:
    """Ask for room before the first byte. `missing` and `all_of_them` are bytes of wheels.

    Wheels unpack to about 1.9 times their size (torch 2.1.2 with all it needs: 2.99 GB to 5.6 GB), and lie
    beside it until they are unpacked. On one drive the environment is made of links and adds nothing.

    Raises:
        SdsetupError: `disk-full`.
    """
    needed = {where.packages: int(missing * 2.9)}
    if not _same_drive(where.packages, where.venv):
        needed[where.venv] = int(all_of_them * 1.9)
    for place, size in needed.items():
        free = shutil.disk_usage(_existing(place)).free
        if free < size:
            raise SdsetupError(
                Text(
                    "{needed:.1f} GB are needed for the packages, {free:.1f} GB are free",
                    needed=size / 1e9,
                    free=free / 1e9,
                ),
                where=place,
                hint=Text(
                    "Free some space, or choose a folder on another drive; then run the same command again."
                ),
                code="disk-full",
            )


def _packages(context: Context, ours: Path) -> Path:
    """uv's cache: the one the person chose; else their uv's usual one if it is on this drive; else ours."""
    chosen = context.machine.env.get("UV_CACHE_DIR")
    if chosen:
        return Path(chosen)
    ended = context.machine.run([uv.find(context.machine), "cache", "dir"], timeout=30)
    usual = Path(ended.out.strip()) if ended.ok and ended.out.strip() else None
    if usual is not None and usual.is_dir() and _same_drive(usual, context.dir):
        return usual
    return ours / "uv"


def _same_drive(one: Path, other: Path) -> bool:
    try:
        return _existing(one).stat().st_dev == _existing(other).stat().st_dev
    except OSError:
        return False


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
