"""An environment set back to its lock, package by package, where that is less than building it anew."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from packaging.utils import canonicalize_name

from sdsetup.decide.condition import PackageFault, package_faults
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.environment.locking import Lock
from sdsetup.execute.environment.places import Places
from sdsetup.execute.environment.records import Records
from sdsetup.execute.folders import remove_tree
from sdsetup.machine.site_packages import installed, site_packages
from sdsetup.redaction.secrets import hide_secrets
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.layout import python_in

_WORTH_IT = 40  # packages; more are quicker built anew, since that is done beside the old one and swapped
_PYLOCK = ("--preview-features", "pylock")

_log = logging.getLogger("sdsetup.environment")


def repair(lock: Lock, where: Places, context: Context) -> bool:
    """Make D/venv hold what its lock says; False where it has to be built anew.

    Every file is compared with the hash in its package's own list. What extensions have added stays. Killed in
    the middle, the next look finds what is missing. A damaged file may be a link into uv's cache, which then is
    damaged as well: what is no better after the first try is thrown out of the cache and fetched again.

    Raises:
        SdsetupError: why a package could not be had.
    """
    folder = site_packages(where.venv)
    if folder is None:
        return False
    context.note(Text("Checking every file in the Python environment"))
    faults = _faults(lock, folder, where)
    if not faults:
        return True
    if len(faults) > _WORTH_IT or any(fault.name == "pip" for fault in faults):
        return False
    context.tell(Text("Repairing: {faults}", faults="; ".join(str(fault.said) for fault in faults)))
    for afresh in (False, True):
        try:
            _install_again(lock, faults, folder, where, context, afresh=afresh)
        except SdsetupError as error:
            if afresh:
                raise
            _log.info("not all of it is in the package cache: %s", error)
            continue
        faults = _faults(lock, folder, where)
        if not faults:
            return True
    _log.warning("still not as locked: %s", "; ".join(str(fault.said) for fault in faults))
    return False


def _faults(lock: Lock, folder: Path, where: Places) -> tuple[PackageFault, ...]:
    return package_faults(lock.versions, installed(folder), Records(cache=where.cache).damages(folder))


def _install_again(
    lock: Lock, faults: tuple[PackageFault, ...], folder: Path, where: Places, context: Context, *, afresh: bool
) -> None:
    names = frozenset(fault.name for fault in faults)
    env = uv.variables(context, UV_CACHE_DIR=str(where.packages))
    if afresh:
        uv.run(context, ["cache", "clean", *sorted(names)], env=env)
    _clear_broken_lists(faults, folder)
    path = where.question / "pylock.back.toml"
    write_atomically(path, lock.without(lock.versions.keys() - names))
    constraints = str(where.question / "build-constraints.txt")
    python = str(python_in(where.venv, context.machine.family))
    target = ["--python", python, "--build-constraints", constraints, "--no-deps", "--reinstall"]
    # To uv, "reinstall" is also "ask the index again, and download again": torch alone has gigabytes. Without a
    # network it has to take what it has.
    where_from = [] if afresh else ["--offline"]
    uv.run(
        context,
        ["pip", "install", *_PYLOCK, *target, *where_from, "--requirement", str(path)],
        env=env,
        on_line=lambda line: _log.info("uv: %s", hide_secrets(line)),
    )


def _clear_broken_lists(faults: tuple[PackageFault, ...], folder: Path) -> None:
    """uv takes a package out by its list. One that is there twice, or whose list is gone, it cannot take out:
    such metadata is removed, and the files are written over."""
    for fault in faults:
        found = folder.glob("*.dist-info")
        places = [info for info in found if canonicalize_name(info.name.partition("-")[0]) == fault.name]
        for info in places:
            if len(places) > 1 or not (info / "RECORD").is_file():
                with contextlib.suppress(OSError):
                    remove_tree(info)
