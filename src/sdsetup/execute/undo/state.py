"""Where the points of an undo lie, and what each holds."""

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
from sdsetup.execute.environment.places import identity
from sdsetup.execute.folders import file_problems, remove_tree
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import read_json, read_own, replace, write_json
from sdsetup.text import Text
from sdsetup.values.shape import OwnFile

SCHEMA = "sdsetup.undo/1"
POINT = OwnFile(schema=SCHEMA, shape={"at": str, "environment": (str, None)})
GOING_SCHEMA = "sdsetup.undo-going/1"
KEPT_POINTS = 20
# `chosen.json`: the version that a plain `install` stays at.
OURS = ("machine.json", "journal.json", "learned.json", "chosen.json")
_MODELS = (".safetensors", ".ckpt")


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
        "schema": SCHEMA,
        "at": at,
        "reason": reason,
        "detail": detail,
        "environment": identity(context.dir / "venv"),
        "commit": commit,
        "branch": branch,
        "models": list(models_in(context)),
    }
    write_json(place / "point.json", said)


def to_the_past(context: Context) -> None:
    """Keep the newest point as an older one; there is none in its place then. The oldest are forgotten: the
    environments that they name stay in `former`, for the user to keep or to delete."""
    past = older(context)
    if said_in(newest(context)) is not None:
        numbers = [int(path.name) for path in numbered(past)]
        past.mkdir(exist_ok=True)
        replace(newest(context), past / f"{max(numbers, default=0) + 1:04d}")
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
    said: Mapping[str, Any] | None = read_own(place / "point.json", POINT).value
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
