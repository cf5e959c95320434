"""One step back: the settings and the environment as they were before the last change of an installation.

A step back is prepared beside what is there, and begins when its `plan.json` is written: from then on every move
can be done again, so that a run that is cut off at any moment is finished by the next one.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import exchange, former, identity, is_environment
from sdsetup.execute.folders import file_problems, remove_tree
from sdsetup.execute.launch_file import back_up, written_through
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import read_json, read_own, replace, write_atomically, write_json
from sdsetup.text import Text
from sdsetup.values.install_record import FILE, from_json
from sdsetup.values.shape import OwnFile
from sdsetup.values.undo_point import Point

SCHEMA = "sdsetup.undo/1"
POINT = OwnFile(schema=SCHEMA, shape={"at": str, "environment": (str, None)})
GOING_SCHEMA = "sdsetup.undo-going/1"
_OURS = ("machine.json", "journal.json", "learned.json")


def stage(context: Context) -> None:
    """Copy the present state aside, before anything is changed; the former point stays until `keep_staged`.

    Only a finished installation has a state worth going back to. What an earlier run staged stays where that run
    was cut off in the middle of a change: it is the state before the change, the present one is not.
    """
    place = _staged(context)
    with _remembering(context):
        if _cut_off(context, place):
            return
        remove_tree(place)
        if (context.state / "machine.json").is_file():
            _copy_state(context, place)


def changing(context: Context) -> None:
    """The context's step is about to change the installation: what was staged is the state before it."""
    with _remembering(context):
        if _staged(context).is_dir():
            write_atomically(_staged(context) / "changing", context.step.encode())


def changed_nothing(context: Context) -> None:
    """The step that was to change the installation failed and left it as it was."""
    with contextlib.suppress(OSError):  # the error of that step is the one to be told
        (_staged(context) / "changing").unlink(missing_ok=True)


def keep_staged(context: Context) -> None:
    """The state that was staged is what one step back leads to, from now on; again does nothing."""
    with _remembering(context):
        if _said(_staged(context)) is not None:
            remove_tree(_place(context))
            replace(_staged(context), _place(context))
            (_place(context) / "changing").unlink(missing_ok=True)  # last: killed before, it is staged still


def point(context: Context) -> Point | None:
    """What can be gone back to, None when there is nothing. A step back that was cut off comes first."""
    place = _place(context) if _begun(context) is None else _going(context) / "forward"
    said = _said(place)
    machine = from_json(read_own(place / "machine.json", FILE).value)
    if said is None or machine is None:
        return None
    wanted = said.get("environment")
    return Point(
        at=str(said.get("at")),
        machine=machine,
        environment=wanted is not None and not is_environment(context.dir / "venv", str(wanted)),
    )


def bring_back(context: Context) -> Point:
    """Exchange the present state with the remembered one: a second step back undoes the first.

    One that was cut off is finished instead. Should a program hold the environment, nothing is changed.

    Raises:
        SdsetupError: `nothing-to-undo`; `environment-gone` when the former environment is no longer
            there; `environment-in-use`; the cause when a file could not be written.
    """
    back = point(context)
    if back is None:
        raise SdsetupError(
            Text("There is nothing to go back to"),
            where=context.dir,
            why=Text("no change of this installation is remembered"),
            hint=Text("Launch files are kept with their date beside them: webui-user.*.bak"),
            code="nothing-to-undo",
        )
    with file_problems(context.state, Text("Undo could not start")):
        if _begun(context) is None:
            _prepare(context)
    finish(context)
    return back


def finish(context: Context) -> bool:
    """Finish a step back that was cut off; False where there is none.

    Raises:
        SdsetupError: as `bring_back`.
    """
    said = _begun(context)
    if said is None:
        return False
    with file_problems(context.dir, Text("Undo is not finished yet")):
        _bring_environment(context, said)
        forward = _going(context) / "forward"
        for name in _OURS:
            if (forward / name).is_file():
                _put(forward / name, context.state / name)
            else:  # what was learned since would decide the next plan
                (context.state / name).unlink(missing_ok=True)
        for name in FILE_NAMES.values():
            _put(forward / name, context.dir / name, keeping=True)
        _change_points(context)
    return True


def _prepare(context: Context) -> None:
    """Everything that the step back needs, in a folder of its own; its plan comes last."""
    going = _going(context)
    remove_tree(going)  # begun by a run that had changed nothing yet
    shutil.copytree(_place(context), going / "forward")
    _copy_state(context, going / "back")
    wanted = (_said(going / "forward") or {}).get("environment")
    present = identity(context.dir / "venv")
    if wanted is not None and is_environment(context.dir / "venv", str(wanted)):
        wanted = None
    if wanted is not None and former(context, str(wanted)) is None:
        raise SdsetupError(
            Text("The former Python environment is no longer there"),
            where=context.state / "former",
            why=Text("it was removed"),
            hint=Text("Run sdsetup install: it makes the environment for this card again."),
            code="environment-gone",
        )
    write_json(going / "plan.json", {"schema": GOING_SCHEMA, "environment": wanted, "present": present})


def _bring_environment(context: Context, said: Mapping[str, Any]) -> None:
    """Put the wanted environment into its place, unless it is there already. Where that is not possible the
    present one is in its place, and the step back has not begun."""
    wanted, present, venv = said.get("environment"), said.get("present"), context.dir / "venv"
    if wanted is None or is_environment(venv, str(wanted)):
        return
    source = former(context, str(wanted))
    try:
        if source is None:
            raise SdsetupError(
                Text("The former Python environment is no longer there"),
                where=context.state / "former",
                why=Text("it was removed while a step back was under way"),
                hint=Text("Run sdsetup install: it makes the environment for this card again."),
                code="environment-gone",
            )
        exchange(source, context)
    except SdsetupError:
        kept = None if present is None or venv.exists() else former(context, str(present))
        if kept is not None:
            exchange(kept, context)
        _forget(context)
        raise


def _change_points(context: Context) -> None:
    """The state that was left is what the next step back leads to."""
    going = _going(context)
    if (going / "back").is_dir():
        remove_tree(_place(context))
        replace(going / "back", _place(context))
    remove_tree(_staged(context))
    _forget(context)


def _forget(context: Context) -> None:
    """One rename ends it: what is half removed must not be taken for a step back under way."""
    done = _going(context).with_name("undo.done")
    remove_tree(done)
    replace(_going(context), done)
    with contextlib.suppress(OSError):  # copies of ours, removed the next time
        remove_tree(done)


def _copy_state(context: Context, place: Path) -> None:
    """Copy what a step back changes; `point.json`, written last, makes it a point."""
    place.mkdir(parents=True)
    for name in _OURS:
        if (context.state / name).is_file():
            shutil.copy2(context.state / name, place / name)
    for name in FILE_NAMES.values():
        if (context.dir / name).is_file():
            shutil.copy2(context.dir / name, place / name)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    said = {"schema": SCHEMA, "at": at, "environment": identity(context.dir / "venv")}
    write_json(place / "point.json", said)


def _put(source: Path, target: Path, *, keeping: bool = False) -> None:
    """Restore one file. A launch file that was not there before stays. `keeping`: the
    present one may hold the person's own edits, and is kept with its date beside it."""
    if not source.is_file():
        return
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    if keeping and target.is_file():
        back_up(target, target.read_bytes())
    place = written_through(target)
    write_atomically(place, content)
    place.chmod(source.stat().st_mode & 0o7777)


def _cut_off(context: Context, place: Path) -> bool:
    """Whether an earlier run may have changed what was staged here, and was killed before it could say so."""
    said = _said(place)
    if said is None or not (place / "changing").is_file():
        return False
    step = (place / "changing").read_text(encoding="utf-8", errors="replace")
    if step == "environment":  # hours of downloads come before the one moment in which it is exchanged
        return identity(context.dir / "venv") != said.get("environment")
    return step.startswith("launcher:")


def _said(place: Path) -> Mapping[str, Any] | None:
    """What a point says of itself; None where it is not whole."""
    said: Mapping[str, Any] | None = read_own(place / "point.json", POINT).value
    return said


def _begun(context: Context) -> Mapping[str, Any] | None:
    said = read_json(_going(context) / "plan.json")
    return said if isinstance(said, dict) and said.get("schema") == GOING_SCHEMA else None


def _remembering(context: Context) -> contextlib.AbstractContextManager[None]:
    return file_problems(context.state, Text("The state to go back to could not be written"))


def _place(context: Context) -> Path:
    return context.state / "undo"


def _staged(context: Context) -> Path:
    return context.state / "undo.new"


def _going(context: Context) -> Path:
    return context.state / "undo.going"
