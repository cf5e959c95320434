"""What lies outside the installation folders: caches, programs that were downloaded, a practice run, the starter's
own environment. Each goes only where nothing needs it any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdsetup.execute.caches import TAG, our_folders
from sdsetup.execute.command_file import bin_folder, file_in, is_ours
from sdsetup.execute.folders import remove_tree
from sdsetup.execute.kept import kept_things, size_of
from sdsetup.machine import Machine
from sdsetup.storage import data_folder
from sdsetup.text import Text
from sdsetup.values.removal import Item

_MADE = "made-by-sdsetup.txt"  # bootstrap/start.py puts it into an environment that it makes


def caches(cache: Path, others: Sequence[Path]) -> Iterator[Item]:
    """Downloads and package caches. `others`: installations that stay; their files may be links into the cache,
    and stay whole without it."""
    for folder in our_folders(cache):
        if folder.name == "stand-ins" or not _holds_something(folder):
            continue
        yield Item(kind="cache", what=Text("Cache ({name})", name=folder.name), path=folder, bytes=size_of(folder))
    practice = cache / "rehearsal"
    if (practice / "webui").is_dir() and practice / "webui" not in others:
        why = Text("it is a practice run, to remove with: sdsetup uninstall --rehearse")
        yield Item(
            kind="practice",
            what=Text("Practice run"),
            path=practice / "webui",
            bytes=size_of(practice / "webui"),
            why=why,
        )
    stand_ins = practice / "stand-ins"
    if stand_ins in our_folders(cache) and _holds_something(stand_ins):
        yield Item(kind="cache", what=Text("Practice run files"), path=stand_ins, bytes=size_of(stand_ins))


def tools(machine: Machine, others: Sequence[Path] | None) -> Iterator[Item]:
    """Python and Git that were downloaded; they stay where an installation or sdsetup itself runs on them.

    `others`: the installations that stay; None where it is not known which there are.
    """
    home = data_folder(machine.env)
    folder = home / "tools"
    own = home / "app" / "env"
    running = Path(os.path.realpath(sys.base_prefix)).is_relative_to(os.path.realpath(folder))
    why = None
    if running or _uses(own, folder):
        why = Text("sdsetup itself uses it")
    elif others is None:
        why = Text("other installations may use it")
    elif others:
        why = Text("an installation may use it: {dir}", dir=others[0])
    for name, what in (("python", Text("Python")), ("mingit", Text("Git"))):
        path = folder / name
        if path.is_dir():
            yield Item(kind="tool", what=what, path=path, bytes=size_of(path), why=why)
    for path in sorted(folder.glob("uv-*")):
        yield Item(kind="tool", what=Text("uv"), path=path, bytes=size_of(path), why=why)


def own_environment(machine: Machine) -> Iterator[Item]:
    """The environment that the starters made for sdsetup itself, and the command that starts it."""
    path = data_folder(machine.env) / "app" / "env"
    if (path / _MADE).is_file() and not path.is_symlink():
        inside = Path(os.path.realpath(sys.prefix)) == Path(os.path.realpath(path))
        locked = inside and machine.family == "windows"
        why = Text("it is running; delete the folder after you close this window") if locked else None
        yield Item(kind="own-environment", what=Text("sdsetup itself"), path=path, bytes=size_of(path), why=why)
    folder = bin_folder(machine)
    command = None if folder is None else file_in(folder, machine.family)
    if command is not None and is_ours(command):
        yield Item(kind="command", what=Text("The sdsetup command"), path=command, bytes=size_of(command))


def set_aside(folders: Sequence[Path]) -> Iterator[Item]:
    """What earlier changes kept in these installations."""
    for folder in folders:
        for one in kept_things(folder):
            yield Item(kind="set-aside", what=Text("Set aside"), path=one.path, bytes=one.bytes)


def remove_outside(items: Sequence[Item]) -> None:
    """Raises:
    OSError: something is in use; the rest can be removed by the same command.
    """
    marks = {"cache": TAG, "own-environment": _MADE}
    for item in items:
        remove_tree(item.path, last=marks.get(item.kind))


def _holds_something(folder: Path) -> bool:
    return any(path.name != TAG for path in folder.iterdir())


def _uses(venv: Path, folder: Path) -> bool:
    """Whether an environment stands on a Python in this folder, as its pyvenv.cfg says."""
    try:
        text = (venv / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    homes = [
        line.partition("=")[2].strip() for line in text.splitlines() if line.partition("=")[0].strip() == "home"
    ]
    return any(home and Path(os.path.realpath(home)).is_relative_to(os.path.realpath(folder)) for home in homes)
