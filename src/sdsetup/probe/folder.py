"""The target folder as it is: absent, empty, an installation, something else; writable; synchronised."""

from __future__ import annotations

import ntpath
import posixpath
import re
from pathlib import Path
from typing import Any

from sdsetup.decide.default_folder import WINDOWS_NAME
from sdsetup.decide.default_folder import default_folder as decide_default
from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.probe.repository import read_repository
from sdsetup.values.facts import Facts, Folder, FolderState, System
from sdsetup.values.layout import STATE_FOLDER, WEBUI_MARKS

_MODELS = "models"  # what `model get` makes where there is no installation yet
_SHOWN = 5
_CLOUD_VARIABLES = ("ONEDRIVE", "ONEDRIVECONSUMER", "ONEDRIVECOMMERCIAL")
_CLOUD_KEY = r"Software\Microsoft\OneDrive\Accounts"
_SHORTCUTS = frozenset({"desktop.ini", "thumbs.db", ".ds_store"})


def ask(asked: Asked) -> dict[str, Any]:
    machine, path = asked.machine, asked.folder
    state, entries = state_of(machine, path)
    repository = read_repository(machine, path) if state in ("git", "webui") else None
    standing = asked.standing
    problem = machine.write_problem(standing) if machine.kind(standing) == "folder" else "no such folder"
    return {
        "folder": Folder(
            path=str(path),
            state=state,
            writable=problem is None,
            write_error=problem,
            cloud_root=holder(machine, path, cloud_roots(machine)),
            protected_root=holder(machine, path, protected_roots(machine)),
            entries=entries,
            remote=repository.remote if repository is not None else None,
        )
    }


def state_of(machine: Machine, path: Path) -> tuple[FolderState, tuple[str, ...]]:
    """What lies at a path, and the first few names in it."""
    kind = machine.kind(path)
    if kind == "absent" and _below_a_file(machine, path):
        return "file", ()
    if kind != "folder":
        return ("absent" if kind == "absent" else "unreadable" if kind == "unreadable" else "file"), ()
    names = [found.name for found in machine.glob(path, "*")]
    seen = [name for name in names if name != STATE_FOLDER and name.lower() not in _SHORTCUTS]
    if not seen:
        return "empty", ()
    shown = tuple(seen[:_SHOWN])
    marks = len({*WEBUI_MARKS} & {*names})
    # A virus scanner may have taken one of them from a clone, which can bring it back.
    if marks == len(WEBUI_MARKS) or (marks > 1 and ".git" in names):
        return "webui", shown
    if seen == [_MODELS] and machine.kind(path / _MODELS) == "folder":
        return "models", shown
    return ("git" if ".git" in names else "foreign"), shown


def _below_a_file(machine: Machine, path: Path) -> bool:
    """Whether the nearest thing that exists on the way to a path is a file: no folder can be made there."""
    kinds = (machine.kind(parent) for parent in path.parents)
    return next((kind for kind in kinds if kind != "absent"), "folder") == "file"


def cloud_roots(machine: Machine) -> list[str]:
    """Folders that OneDrive keeps in step: those it names, and a Desktop or Documents that it has taken over."""
    roots = [value for name in _CLOUD_VARIABLES if (value := machine.env.get(name))]
    if machine.family == "windows":
        for account in machine.registry_subkeys("HKCU", _CLOUD_KEY):
            value = (machine.registry_values("HKCU", rf"{_CLOUD_KEY}\{account}") or {}).get("UserFolder")
            if isinstance(value, str) and value:
                roots.append(value)
        # A Desktop or Documents that was moved there ("OneDrive - Company\\Desktop") names the root as well.
        for place in machine.windows().known_folders.values():
            if found := re.match(r"(?i)(.*?[\\/]OneDrive(?: - [^\\/]+)?)(?:[\\/]|$)", place):
                roots.append(found[1])
    if machine.family == "macos":
        roots += [
            str(machine.home / "Library" / "CloudStorage"),
            str(machine.home / "Library" / "Mobile Documents"),
        ]
    return list(dict.fromkeys(roots))


def protected_roots(machine: Machine) -> list[str]:
    """Where only an administrator may write."""
    if machine.family != "windows":
        return []
    names = ("PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "SYSTEMROOT", "PROGRAMDATA")
    return list(dict.fromkeys(value for name in names if (value := machine.env.get(name))))


def holder(machine: Machine, path: Path, roots: list[str]) -> str | None:
    """The root that a path lies in, by names as written and behind links."""
    for root in roots:
        for one, other in ((str(path), root), (machine.resolve(path), machine.resolve(root))):
            if inside(one, other, windows=machine.family == "windows"):
                return root
    return None


def inside(path: str, root: str, *, windows: bool) -> bool:
    """Whether a path is a folder or lies below it; letters' case does not count on Windows."""
    if windows:
        path, root = (ntpath.normcase(ntpath.normpath(text)) for text in (path, root))
        return path == root or path.startswith(root.rstrip("\\") + "\\")
    path, root = posixpath.normpath(path), posixpath.normpath(root)
    return path == root or path.startswith(root.rstrip("/") + "/")


def default_folder(machine: Machine, *, need_bytes: int = 0) -> Path:
    """Where to look and to install when nobody says where.

    An installation at a usual place comes first: free space changes, and the answer must not change with it.
    """
    facts = Facts(system=System(family=machine.family), drives=machine.drives())
    chosen = Path(decide_default(facts, str(machine.home), need_bytes=need_bytes))
    usual = [chosen, *(Path(drive.root) / WINDOWS_NAME for drive in facts.drives if drive.kind == "fixed")]
    return next((place for place in usual if state_of(machine, place)[0] == "webui"), chosen)
