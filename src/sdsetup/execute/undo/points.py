"""Points to go back to: made before a change, kept once it was made, listed."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import former, identity, is_environment
from sdsetup.execute.folders import remove_tree
from sdsetup.execute.kept import size_of
from sdsetup.execute.undo.state import (
    all_places,
    begun,
    code_of,
    copy_state,
    models_in,
    newest,
    remembering,
    said_in,
    staged,
    to_the_past,
    under_way,
)
from sdsetup.storage import read_own, replace, write_atomically
from sdsetup.values.install_record import FILE, from_json
from sdsetup.values.undo_point import Point


def stage(context: Context, reason: str = "install", detail: str = "") -> None:
    """Copy the present state aside, before anything is changed; the former point stays until `keep_staged`.

    `reason`: what is about to happen ("install", "settings", "update"); `detail` tells more ("v1.10.1").

    Only a finished installation has a state worth going back to. What an earlier run staged stays where that run
    was cut off in the middle of a change: it is the state before the change, the present one is not.
    """
    place = staged(context)
    with remembering(context):
        if _cut_off(context, place):
            return
        remove_tree(place)
        if (context.state / "machine.json").is_file():
            copy_state(context, place, reason, detail)


def changing(context: Context) -> None:
    """The context's step is about to change the installation: what was staged is the state before it."""
    with remembering(context):
        if staged(context).is_dir():
            write_atomically(staged(context) / "changing", context.step.encode())


def changed_nothing(context: Context) -> None:
    """The step that was to change the installation failed and left it as it was."""
    with contextlib.suppress(OSError):  # the error of that step is the one to be told
        (staged(context) / "changing").unlink(missing_ok=True)


def keep_staged(context: Context) -> None:
    """The state that was staged is what one step back leads to, from now on; again does nothing."""
    with remembering(context):
        if said_in(staged(context)) is not None:
            to_the_past(context)
            replace(staged(context), newest(context))
            (newest(context) / "changing").unlink(missing_ok=True)  # last: killed before, it is staged still


def point(context: Context, number: int = 1) -> Point | None:
    """What can be gone back to, the newest as number 1; None when there is nothing. A step that was cut off comes
    first, whatever the number."""
    if begun(context) is not None:
        return _read(context, under_way(context) / "forward", number)
    places = all_places(context)
    return _read(context, places[number - 1], number) if 0 < number <= len(places) else None


def points(context: Context) -> tuple[Point, ...]:
    """Everything that can be gone back to, the newest first; numbers count from 1."""
    found = (_read(context, place, number) for number, place in enumerate(all_places(context), 1))
    return tuple(one for one in found if one is not None)


def _read(context: Context, place: Path, number: int) -> Point | None:
    said, machine = said_in(place), from_json(read_own(place / "machine.json", FILE).value)
    if said is None or machine is None:
        return None
    wanted, venv = said.get("environment"), context.dir / "venv"
    elsewhere = wanted is not None and not is_environment(venv, str(wanted))
    kept = former(context, str(wanted)) if elsewhere else None
    commit, models = said.get("commit"), said.get("models")
    return Point(
        number=number,
        at=str(said.get("at")),
        reason=str(said.get("reason") or "install"),
        detail=str(said.get("detail") or ""),
        machine=machine,
        environment=elsewhere,
        environment_gone=elsewhere and kept is None,
        commit=commit if isinstance(commit, str) else None,
        code=isinstance(commit, str) and commit != code_of(context)[0],
        bytes=size_of(place) + (0 if kept is None else size_of(kept)),
        models_since=() if not isinstance(models, list) else models_in(context, without=models),
    )


def _cut_off(context: Context, place: Path) -> bool:
    """Whether an earlier run may have changed what was staged here, and was killed before it could say so."""
    said = said_in(place)
    if said is None or not (place / "changing").is_file():
        return False
    step = (place / "changing").read_text(encoding="utf-8", errors="replace")
    if step == "environment":  # hours of downloads come before the one moment in which it is exchanged
        return identity(context.dir / "venv") != said.get("environment")
    return step.startswith("launcher:")
