"""One step back: the settings and the environment as they were before the last change of an installation."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path

from sdsetup.decide.fingerprint import FILE, from_json
from sdsetup.decide.launcher import FILE_NAMES
from sdsetup.decide.shape import OwnFile
from sdsetup.decide.undo import Point
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.folders import remove_tree
from sdsetup.execute.launch_file import back_up
from sdsetup.storage import read_own, replace, write_atomically, write_json
from sdsetup.text import Text

SCHEMA = "sdsetup.undo/1"
POINT = OwnFile(schema=SCHEMA, shape={"at": str, "environment": (str, None)})
_OURS = ("machine.json", "journal.json", "learned.json")


def keep(context: Context) -> None:
    """Remember the present state, in place of what was remembered before."""
    stage(context)
    keep_staged(context)


def stage(context: Context) -> None:
    """Copy the present state aside, before anything is changed; the former point stays until `keep_staged`.

    Only a finished installation has a state worth going back to.
    """
    place = _staged(context)
    remove_tree(place)
    if not (context.state / "machine.json").is_file():
        return
    place.mkdir(parents=True)
    for name in _OURS:
        if (context.state / name).is_file():
            shutil.copy2(context.state / name, place / name)
    for name in FILE_NAMES.values():
        if (context.dir / name).is_file():
            shutil.copy2(context.dir / name, place / name)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    write_json(place / "point.json", {"schema": SCHEMA, "at": at, "environment": _environment(context)})


def keep_staged(context: Context) -> None:
    """The state that was staged is what one step back leads to, from now on; again does nothing."""
    if _staged(context).is_dir():
        remove_tree(_place(context))
        replace(_staged(context), _place(context))


def point(context: Context) -> Point | None:
    """What can be gone back to, None when there is nothing."""
    said = read_own(_place(context) / "point.json", POINT).value
    machine = from_json(read_own(_place(context) / "machine.json", FILE).value)
    if said is None or machine is None:
        return None
    wanted = said["environment"]
    return Point(
        at=said["at"], machine=machine, environment=wanted is not None and wanted != _environment(context)
    )


def bring_back(context: Context) -> Point:
    """Exchange the present state with the remembered one: a second step back undoes the first.

    Raises:
        SdsetupError: `nothing-to-undo`; `environment-gone` when the former environment is no longer
            there; `environment-in-use`.
    """
    from sdsetup.execute.environment import swap_back
    from sdsetup.execute.environment.places import places

    former = point(context)
    if former is None:
        raise SdsetupError(
            Text("There is nothing to go back to"),
            where=context.dir,
            why=Text("no change of this installation is remembered"),
            hint=Text("Launch files are kept with their date beside them: webui-user.*.bak"),
            code="nothing-to-undo",
        )
    if former.environment and not places(context).former.is_dir():
        raise SdsetupError(
            Text("The former Python environment is no longer there"),
            where=context.state / "former" / "venv",
            why=Text("only one generation is kept, and it was removed or used up"),
            hint=Text("Run sdsetup install: it makes the environment for this card again."),
            code="environment-gone",
        )
    kept = _place(context).with_name("undo.kept")
    remove_tree(kept)
    replace(_place(context), kept)
    keep(context)
    if former.environment:
        swap_back(context)
    for name in _OURS:
        if (kept / name).is_file():
            _put(kept / name, context.state / name)
        else:  # what was learned since would decide the next plan
            (context.state / name).unlink(missing_ok=True)
    for name in FILE_NAMES.values():
        _put(kept / name, context.dir / name, keeping=True)
    remove_tree(kept)
    return former


def _put(source: Path, target: Path, *, keeping: bool = False) -> None:
    """Restore one file. A launch file that was not there before stays. `keeping`: the
    present one may hold the person's own edits, and is kept with its date beside it."""
    if source.is_file():
        mode = source.stat().st_mode
        if keeping and target.is_file() and target.read_bytes() != source.read_bytes():
            back_up(target, target.read_bytes())
        write_atomically(target, source.read_bytes())
        target.chmod(mode & 0o7777)


def _environment(context: Context) -> str | None:
    """What names the present environment: the lock it was made from."""
    from sdsetup.execute.environment.places import marker

    lock = marker(context.dir / "venv").get("lock")
    return str(lock) if lock else None


def _place(context: Context) -> Path:
    return context.state / "undo"


def _staged(context: Context) -> Path:
    return context.state / "undo.new"
