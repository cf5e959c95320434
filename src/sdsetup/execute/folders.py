"""Folders as wholes: removed although files are read-only, put in place by a rename, merged without losing one.

A path below a folder is judged by its name and by where it really leads.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sdsetup.catalog.names import NameProblem, path_problem
from sdsetup.errors import SdsetupError, file_problem
from sdsetup.storage import replace
from sdsetup.text import Text

_CODES = {"outside": "target-outside", "name": "bad-file-name", "long": "path-too-long"}
_MODELS = "models"
_LONGEST_SHOWN = 100
_HINT = Text("Use letters, digits, spaces, dots, and dashes, with forward slashes between folders.")


def inside(name: str, folder: Path, *, hint: Text = _HINT) -> Path:
    """`folder` with a relative path (forward slashes) joined onto it. `hint`: what to do about a bad name.

    A link may stand for `models`, or for one kind of them: many people keep those on another drive. No other
    link on the way may lead out.

    Raises:
        SdsetupError: `target-outside`, `bad-file-name`, `path-too-long`.
    """
    problem = path_problem(name)
    if problem is not None:
        raise refused(name, problem, hint=hint)
    parts = name.split("/")
    target = folder.joinpath(*parts)
    shared = min(2, len(parts) - 1) if parts[0] == _MODELS else 0
    anchor = folder.joinpath(*parts[:shared])
    if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(anchor)):
        raise SdsetupError(
            Text("A link in this folder points outside it"),
            where=target.parent,
            why=Text("it points to {place}", place=os.path.realpath(target.parent)),
            code="target-outside",
            hint=Text("Replace the link with a folder, or choose another name."),
        )
    return target


def refused(name: str, problem: NameProblem, *, hint: Text = _HINT) -> SdsetupError:
    """The error for a name that the judge refused."""
    shown = repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}..."
    return SdsetupError(
        Text("{name} can't be used as a file name here", name=shown),
        why=problem.said,
        code=_CODES[problem.kind],
        hint=hint,
    )


def same_drive(one: Path, other: Path) -> bool:
    """Whether a rename or a hard link can lead from one to the other, as far as the device numbers tell. What is
    not there yet will lie where its nearest folder above does."""
    try:
        return nearest_existing(one).stat().st_dev == nearest_existing(other).stat().st_dev
    except OSError:
        return False


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest of its parents that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


@contextlib.contextmanager
def file_problems(where: Path, what: Text) -> Iterator[None]:
    """File operations whose failure is told in words: `what` could not be done at `where`.

    Raises:
        SdsetupError: as `file_problem`.
    """
    try:
        yield
    except OSError as error:
        raise file_problem(error, where, what) from error


def remove_tree(path: Path, *, last: str | None = None) -> None:
    """Remove a folder, file or link with all that is in it; absent is fine.

    Git's objects are read-only, which Windows refuses to delete until told otherwise. A file that a virus scanner
    holds, and a folder that a program still writes into, are tried again for a moment. `last` names the file that
    says whose folder this is: it goes after everything else, so that a removal that was cut short can be finished.

    Raises:
        OSError: when something cannot be removed even then.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not path.exists():
        return
    if last is not None and (path / last).is_file():
        for inside in path.iterdir():
            if inside.name != last:
                remove_tree(inside)

    def make_writable(failed: Callable[..., Any], name: str, _error: object) -> None:
        inside = Path(name)
        _unlock(inside.parent)
        _unlock(inside)
        # A folder that could not be opened was left out, with all that is in it.
        _patiently(failed if failed in (os.unlink, os.rmdir) else _remove_closed, name)

    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=make_writable)
    else:
        shutil.rmtree(path, onerror=make_writable)


def _remove_closed(name: str) -> None:
    for folder, below, _ in os.walk(name):
        for inside in below:
            _unlock(Path(folder, inside))
    shutil.rmtree(name)


def _unlock(path: Path) -> None:
    with contextlib.suppress(OSError):
        if not path.is_symlink():  # what it leads to is not ours
            path.chmod(stat.S_IRWXU)


def _patiently(remove: Callable[..., Any], name: str) -> None:
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8):
        try:
            remove(name)
        except FileNotFoundError:
            return
        except OSError as error:
            filled = error.errno == errno.ENOTEMPTY
            if not filled and not (sys.platform == "win32" and isinstance(error, PermissionError)):
                raise
            time.sleep(pause)
            if filled:
                with contextlib.suppress(OSError):  # the next try tells
                    for late in list(Path(name).iterdir()):
                        remove_tree(late)
        else:
            return
    remove(name)


def put_in_place(stage: Path, target: Path, *, last: str | None = None, own: Sequence[str] = ()) -> None:
    """Make a finished staged folder the target: one rename where nothing is there, else entry by entry.

    An existing target is merged into: folders that both have become one, a file that both have must
    be the same in both. `last` names the top entry that is moved after all others (".git"), so that
    its presence means that everything is there. `own`: top files that stay as the target has them.
    Both must lie on one volume.

    Raises:
        SdsetupError: `folder-in-the-way` when a file of the target differs; nothing was moved then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        replace(stage, target)
        return
    refuse_conflicts(stage, target, own=own)
    for name in own:
        if os.path.lexists(target / name):
            remove_tree(stage / name)
    names = sorted(entry.name for entry in stage.iterdir())
    for name in [*(n for n in names if n != last), *(n for n in names if n == last)]:
        _move_over(stage / name, target / name)
    remove_tree(stage)


def refuse_conflicts(stage: Path, target: Path, *, own: Sequence[str] = ()) -> None:
    """Nothing, or the files that differ in a staged folder and its target; `own` are no matter.

    Raises:
        SdsetupError: `folder-in-the-way`.
    """
    different = [name for name in conflicts(stage, target) if name.split("/")[0] not in own]
    if different:
        raise SdsetupError(
            Text.plural(
                "{count} file in the folder doesn't belong to the web UI: {names}",
                "{count} files in the folder don't belong to the web UI: {names}",
                count=len(different),
                names=", ".join(different[:3]),
            ),
            where=target,
            code="folder-in-the-way",
            hint=Text("Move these files away, or choose another folder. Nothing was changed."),
        )


def set_aside(path: Path, into: Path, *, name: str | None = None) -> Path:
    """Move what may hold a user's work into `into`, under its own name (or `name`) or NAME-2, NAME-3...

    Returns:
        Where it is now.
    """
    into.mkdir(parents=True, exist_ok=True)
    for free in _numbered(name or path.name):
        if not os.path.lexists(into / free):
            replace(path, into / free)
            return into / free
    raise AssertionError("the numbers never end")


def _numbered(name: str) -> Iterable[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def conflicts(stage: Path, target: Path, prefix: str = "") -> Iterable[str]:
    for entry in stage.iterdir():
        there = target / entry.name
        if not os.path.lexists(there):
            continue
        name = f"{prefix}{entry.name}"
        both_folders = _is_folder(entry) and _is_folder(there)
        if both_folders:
            yield from conflicts(entry, there, f"{name}/")
        elif _is_folder(entry) or _is_folder(there) or not filecmp.cmp(entry, there, shallow=False):
            yield name


def _move_over(entry: Path, there: Path) -> None:
    if _is_folder(entry) and there.exists():
        for inner in sorted(entry.iterdir()):
            _move_over(inner, there / inner.name)
    else:
        replace(entry, there)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
