"""A user's own model file, imported into the web UI's model folder by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdsetup.catalog.models import MODEL_FOLDER, Model
from sdsetup.catalog.names import path_problem
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.download.hashing import sha256_of
from sdsetup.execute.download.preflight import check_folder
from sdsetup.execute.download.problems import disk_problem
from sdsetup.execute.download.reuse import place_copy
from sdsetup.execute.folders import inside, refused
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.model_file import MODEL_ENDINGS, Look, look_at
from sdsetup.execute.models.folder import danger, which_model
from sdsetup.execute.models.pickle_scan import Scan, scan_pickle
from sdsetup.text import Text


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A user's own file, in place. `how`: linked, copied, or there (it already was)."""

    path: Path
    how: Literal["linked", "copied", "there"]
    model: str | None
    scan: Scan | None


def import_file(
    source: Path,
    context: Context,
    models: Mapping[str, Model],
    *,
    name: str | None = None,
    allow_pickle: bool = False,
    trust: Collection[str] = (),
    copy: bool = False,
) -> Imported:
    """Bring a file into the model folder: a hard link on the same drive, else a copy; the source stays.

    A model we know gets the name that `install` looks for, any other keeps its own, unless `name` is given.
    `trust`: names that a pickle may call although we do not know them.

    Raises:
        SdsetupError: `no-such-file`, `model-damaged`, `pickle-refused`, `pickle-dangerous`, `pickle-unknown`,
            `not-a-model`, `name-taken`, and what `inside` and `check_folder` raise.
    """
    look = _usable(source, allow_pickle=allow_pickle)
    scan = None
    if look.kind == "pickle":
        scan = scan_pickle(source, context.catalog.pickles)
        _refuse_pickle(source, scan, trust)
    model = which_model(source, models, context)
    target = _target(source, context, model, name)
    return _place(source, target, context, model=model, scan=scan, copy=copy)


def _usable(source: Path, *, allow_pickle: bool) -> Look:
    if not source.is_file():
        raise SdsetupError(
            Text("File not found"),
            where=source,
            code="no-such-file",
            hint=Text("Enter the path of a model file, in quotes if it has spaces."),
        )
    look = look_at(source)
    if look.kind == "damaged":
        raise SdsetupError(
            Text("The file is damaged: {said}", said=look.said),
            where=source,
            code="model-damaged",
            hint=Text("Download it again from where you got it."),
        )
    if look.kind == "other" or source.suffix.lower() not in MODEL_ENDINGS:
        raise SdsetupError(
            Text("The web UI can't load this kind of model"),
            where=source,
            code="not-a-model",
            hint=Text("Use a .safetensors file."),
        )
    if look.kind == "pickle" and not allow_pickle:
        raise SdsetupError(
            Text("A {ending} file can run any program when it is loaded", ending=source.suffix),
            where=source,
            code="pickle-refused",
            hint=Text(
                "Use the .safetensors version of the model. If there is none and you trust the source, add "
                "--allow-pickle (the file is scanned first)."
            ),
        )
    return look


def _refuse_pickle(source: Path, scan: Scan, trust: Collection[str]) -> None:
    if scan.verdict == "dangerous":
        raise SdsetupError(
            Text("{name} is dangerous: {why}", name=source.name, why=danger(scan)),
            where=source,
            code="pickle-dangerous",
            hint=Text("Delete it, and use the .safetensors version of the model."),
        )
    unknown = [name for name in scan.unknown if name not in trust]
    if unknown:
        raise SdsetupError(
            Text("{name} uses unknown code: {names}", name=source.name, names=", ".join(unknown)),
            where=source,
            why=Text("a pickle file can run any code it names when the model is loaded"),
            code="pickle-unknown",
            hint=Text(
                "Use the .safetensors version of the model. If you know this code is harmless, add {options}",
                options=" ".join(f"--trust {name}" for name in unknown),
            ),
        )


def _target(source: Path, context: Context, model: Model | None, name: str | None) -> Path:
    if name is None:
        wanted = f"{MODEL_FOLDER}/{source.name}" if model is None else model.save_as
        return inside(wanted, context.dir, hint=Text("Choose another name with --as NAME."))
    if (problem := path_problem(name)) is not None:
        raise refused(name, problem)
    if not name.lower().endswith(source.suffix.lower()):
        name += source.suffix
    return inside(f"{MODEL_FOLDER}/{name}", context.dir)


def _place(
    source: Path, target: Path, context: Context, *, model: Model | None, scan: Scan | None, copy: bool
) -> Imported:
    known = model.name if model else None
    with folder_lock(target, context.cache, waiting=context.note):
        try:
            if target.exists():
                if target.samefile(source) or sha256_of(target, context) == sha256_of(source, context):
                    return Imported(path=target, how="there", model=known, scan=scan)
                raise SdsetupError(
                    Text("A different file with that name already exists"),
                    where=target,
                    code="name-taken",
                    hint=Text("Choose another name with --as NAME, or move the other file away."),
                )
            check_folder(target)
            expected = model.sha256 if model else sha256_of(source, context)
            place_copy(source, target, sha256=expected, context=context, link=not copy)
        except OSError as error:
            raise disk_problem(error, target, kept=0, size=look_at(source).size) from error
        how: Literal["linked", "copied"] = "linked" if target.samefile(source) else "copied"
    return Imported(path=target, how=how, model=known, scan=scan)
