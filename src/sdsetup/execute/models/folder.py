"""The web UI's model folder: what every file in it is, and what to do about it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdsetup.catalog.models import MODEL_FOLDER, Model
from sdsetup.catalog.pickles import PickleNames
from sdsetup.command import Command
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.download.hashing import sha256_of
from sdsetup.execute.model_file import MODEL_ENDINGS, Look, look_at
from sdsetup.execute.models.pickle_scan import Scan, scan_pickle
from sdsetup.text import Text, some

State = Literal["known", "unknown", "damaged", "pickle", "pickle-unknown", "dangerous", "unfinished", "set-aside"]

_ASIDE = re.compile(r"\.(bad|old)(-\d+)?$")
_WHY_ASIDE = {
    True: Text("a download with the wrong SHA-256, kept for you to check"),
    False: Text("a damaged model file that a new download replaced, kept for you to check"),
}
_OURS = (".part.json", ".part.json.new")


@dataclass(frozen=True, kw_only=True)
class CheckedModel:
    """One file. `path` is relative to the model folder; `model` is its name in our profile when it is known."""

    path: str
    size: int
    state: State
    said: Text
    model: str | None = None
    damage: str | None = None
    todo: Text | None = None
    command: str | None = None

    @property
    def ok(self) -> bool:
        return self.state in ("known", "unknown", "pickle")


def check_models(context: Context, models: Mapping[str, Model]) -> tuple[CheckedModel, ...]:
    """Every model file below the folder, in order of their paths. Only files that may be known are hashed.

    Raises:
        SdsetupError: `no-model-folder`.
    """
    folder = context.dir / MODEL_FOLDER
    if not folder.is_dir():
        raise SdsetupError(
            Text("No model folder here"),
            where=folder,
            code="no-model-folder",
            hint=Text("Pass the install folder with --dir, or install the web UI: sdsetup install"),
        )
    files = [
        Path(below, name)
        for below, folders, names in os.walk(folder)
        for name in (*names, *_links(below, folders))
    ]
    return tuple(
        _judged(path, path.relative_to(folder).as_posix(), models, context)
        for path in sorted(files)
        if _is_ours(path)
    )


def _links(below: str, folders: list[str]) -> list[str]:
    """Links that lead to folders: a model's name may be one of them."""
    return [name for name in folders if Path(below, name).is_symlink()]


def _judged(path: Path, name: str, models: Mapping[str, Model], context: Context) -> CheckedModel:
    """The verdict on one file; one that the drive refuses does not end the list."""
    try:
        return _judge(path, name, models, context)
    except OSError as error:
        why = Text("the file can't be read ({why})", why=error.strerror or str(error))
        return _damaged(path, name, Look(kind="damaged", size=0, said=why, damage="unreadable"), models)


def _is_ours(path: Path) -> bool:
    """Previews, notes and configurations beside the models are nobody's problem."""
    name = path.name.lower()
    if name.endswith(_OURS):
        return False
    return name.endswith((*MODEL_ENDINGS, ".part", ".copying")) or _ASIDE.search(name) is not None


def _judge(path: Path, name: str, models: Mapping[str, Model], context: Context) -> CheckedModel:
    if path.name.endswith((".part", ".copying")):
        return _unfinished(path, name, models)
    if _ASIDE.search(path.name.lower()):
        return CheckedModel(
            path=name,
            size=_size(path),
            state="set-aside",
            said=_WHY_ASIDE[".bad" in path.suffix],
            todo=Text("Delete it to free up space."),
        )
    look = look_at(path)
    if look.kind == "damaged":
        return _damaged(path, name, look, models)
    if look.kind == "pickle":
        return _pickle(path, name, look, context.catalog.pickles)
    model = which_model(path, models, context)
    if model is None:
        return CheckedModel(
            path=name, size=look.size, state="unknown", said=Text("complete: {said}", said=look.said)
        )
    return CheckedModel(path=name, size=look.size, state="known", model=model.name, said=model.title)


def which_model(path: Path, models: Mapping[str, Model], context: Context) -> Model | None:
    """The model of our profile that a file is, by size and then by hash."""
    size = _size(path)
    alike = [model for model in models.values() if model.size == size]
    if not alike:
        return None
    try:
        found = sha256_of(path, context)
    except OSError:
        return None
    return next((model for model in alike if model.sha256 == found), None)


def _unfinished(path: Path, name: str, models: Mapping[str, Model]) -> CheckedModel:
    target = path.name.removesuffix(".part")
    model = next((model for model in models.values() if model.save_as.endswith("/" + target)), None)
    if model is None:
        return CheckedModel(
            path=name,
            size=_size(path),
            state="unfinished",
            said=Text("an unfinished download"),
            todo=Text("Run the same download command to continue, or delete the file."),
        )
    return CheckedModel(
        path=name,
        size=_size(path),
        state="unfinished",
        model=model.name,
        said=Text(
            "{percent}% of {title} is downloaded", percent=_size(path) * 100 // model.size, title=model.title
        ),
        todo=Text("Continue the download:"),
        command=Command("sdsetup", "model", "get", model.name),
    )


def _damaged(path: Path, name: str, look: Look, models: Mapping[str, Model]) -> CheckedModel:
    model = next((m for m in models.values() if path.name in (m.file, Path(m.save_as).name)), None)
    todo = (
        Text("Download it again (the damaged file is kept under another name):")
        if model
        else Text("Delete it and download it again from where you got it.")
    )
    return CheckedModel(
        path=name,
        size=look.size,
        state="damaged",
        damage=look.damage,
        said=look.said,
        todo=todo,
        command=Command("sdsetup", "model", "get", model.name) if model else None,
    )


def _pickle(path: Path, name: str, look: Look, names: PickleNames) -> CheckedModel:
    try:
        scan = scan_pickle(path, names)
    except OSError as error:
        scan = Scan(failed=True, unknown=(str(error),))
    if scan.verdict == "dangerous":
        return CheckedModel(
            path=name,
            size=look.size,
            state="dangerous",
            said=danger(scan),
            todo=Text("Do not load it. Delete it, and use the .safetensors version of the model."),
        )
    return CheckedModel(
        path=name,
        size=look.size,
        state="pickle-unknown" if scan.unknown else "pickle",
        said=Text("a pickle file that uses unknown code: {names}", names=some(scan.unknown))
        if scan.unknown
        else Text("a pickle file; the scan found nothing dangerous"),
        todo=Text(
            "The .safetensors version of the model is safer, and newer PyTorch versions load it without"
            " extra settings."
        ),
    )


def danger(scan: Scan) -> Text:
    """What a dangerous scan found."""
    if scan.dangerous:
        return Text("a pickle file that would run {names} when loaded", names=some(scan.dangerous))
    return Text("an unreadable pickle file; there is no way to tell what loading it would do")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
