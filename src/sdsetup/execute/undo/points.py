"""Points to go back to: where they lie, what each holds; made before a change, kept once it was made, listed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sdsetup.catalog.models import MODEL_FOLDER
from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import former, identity, is_environment
from sdsetup.execute.folders import file_problems, remove_tree
from sdsetup.execute.kept import size_of
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import read_json, read_own, replace, write_atomically, write_json
from sdsetup.text import Text
from sdsetup.values import undo_point
from sdsetup.values.install_record import FILE, from_json
from sdsetup.values.undo_point import Point

GOING_SCHEMA = "sdsetup.undo-going/1"
KEPT_POINTS = 20
# `chosen.json`: the version that a plain `install` stays at.
OURS = ("machine.json", "journal.json", "learned.json", "chosen.json")
_MODELS = (".safetensors", ".ckpt")


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


def code_of(context: Context) -> tuple[str | None, str | None]:
    """The commit that is checked out, and its branch."""
    if not (context.dir / ".git").exists():
        return None, None
    try:
        commit = git.commit_of(context, context.dir)
        branch = git.ask(context, context.dir, "symbolic-ref", "--quiet", "--short", "HEAD")
    except SdsetupError:
        return None, None  # without git no code is moved
    return commit, branch


def models_in(context: Context, *, without: Sequence[Any] = ()) -> tuple[str, ...]:
    folder = context.dir / MODEL_FOLDER
    names = sorted(path.name for path in folder.glob("*") if path.suffix.lower() in _MODELS)
    return tuple(name for name in names if name not in without)


def copy_state(context: Context, place: Path, reason: str, detail: str) -> None:
    """Copy what a step back changes; `point.json`, written last, makes it a point."""
    place.mkdir(parents=True)
    for name in OURS:
        if (context.state / name).is_file():
            shutil.copy2(context.state / name, place / name)
    for name in FILE_NAMES.values():
        if (context.dir / name).is_file():
            shutil.copy2(context.dir / name, place / name)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    commit, branch = code_of(context)
    said = {
        "schema": undo_point.FILE.schema,
        "at": at,
        "reason": reason,
        "detail": detail,
        "environment": identity(context.dir / "venv"),
        "commit": commit,
        "branch": branch,
        "models": list(models_in(context)),
    }
    write_json(place / "point.json", said)


def to_the_past(context: Context, *, chosen: str = "0") -> None:
    """Keep the newest point as an older one; there is none in its place then. The oldest are forgotten: the
    environments that they name stay in `former`, for the user to keep or to delete.

    `chosen`: an older point that was gone to and is removed. Its name is not given again: a run that goes on after
    a kill removes that name once more.
    """
    past = older(context)
    if said_in(newest(context)) is not None:
        numbers = [int(chosen), *(int(path.name) for path in numbered(past))]
        past.mkdir(exist_ok=True)
        replace(newest(context), past / f"{max(numbers) + 1:04d}")
    remove_tree(newest(context))
    for old in numbered(past)[: -(KEPT_POINTS - 1)]:
        remove_tree(old)


def all_places(context: Context) -> list[Path]:
    """The folders of all points, the newest first."""
    found = [newest(context), *reversed(numbered(older(context)))]
    return [place for place in found if said_in(place) is not None]


def numbered(past: Path) -> list[Path]:
    return sorted(path for path in past.glob("[0-9]*") if path.name.isdecimal())


def said_in(place: Path) -> Mapping[str, Any] | None:
    """What a point says of itself; None where it is not whole."""
    said: Mapping[str, Any] | None = read_own(place / "point.json", undo_point.FILE).value
    return said


def begun(context: Context) -> Mapping[str, Any] | None:
    said = read_json(under_way(context) / "plan.json")
    return said if isinstance(said, dict) and said.get("schema") == GOING_SCHEMA else None


def remembering(context: Context) -> contextlib.AbstractContextManager[None]:
    return file_problems(context.state, Text("The undo point could not be saved"))


def newest(context: Context) -> Path:
    return context.state / "undo"


def older(context: Context) -> Path:
    return context.state / "undo.past"


def staged(context: Context) -> Path:
    return context.state / "undo.new"


def under_way(context: Context) -> Path:
    return context.state / "undo.going"
