"""`sdsetup model`: list, get, check, import."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sdsetup.catalog.models import fetch_file, find_model
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, SdsetupError, UsageError
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, fetch
from sdsetup.execute.download.hub_model import look_up, parse_reference
from sdsetup.execute.download.preflight import target_of
from sdsetup.execute.download.reuse import proven_copy
from sdsetup.execute.folders import same_drive
from sdsetup.execute.models.folder import check_models as judge_models
from sdsetup.execute.models.importing import import_file
from sdsetup.show.document import print_document
from sdsetup.show.live import Live
from sdsetup.show.model import (
    fetched_json,
    imported_json,
    models_json,
    show_fetched,
    show_imported,
    show_models,
    show_verdicts,
    verdicts_json,
)
from sdsetup.show.questions import ask_yes
from sdsetup.show.words import size
from sdsetup.text import Text
from sdsetup.values.events import Event, silent
from sdsetup.values.plan import FetchFile, Plan, Step
from sdsetup.workflows.session import Session, named_path

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)[bB]?(?:/s)?")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_STEP = "model"


def parse_rate(text: str | None) -> float | None:
    """Bytes per second: "500k" is 500,000.

    Raises:
        UsageError: `bad-rate`.
    """
    if text is None:
        return None
    found = _RATE.fullmatch(text.strip())
    rate = float(found[1]) * _UNITS[found[2].lower()] if found else 0
    if rate <= 0:
        raise UsageError(
            Text("{text} is not a download speed", text=repr(text)),
            code="bad-rate",
            hint=Text("Use bytes per second, for example --limit-rate 500k or --limit-rate 2M."),
        )
    return rate


def list_models(session: Session, dir: Path | None) -> int:
    """The whole of `sdsetup model list`; returns the exit code."""
    models = session.catalog.models.models
    folder = session.folder(dir)
    where = folder if folder.is_dir() else None
    present: dict[str, bool | None] = {
        name: None if where is None else _is_there(where / model.save_as, model.size)
        for name, model in models.items()
    }
    if session.json:
        print_document(models_json(models.values(), present, where))
    else:
        show_models(models.values(), present, session.screen)
    return EXIT_DONE


def get_model(
    session: Session,
    name: str,
    dir: Path | None,
    *,
    limit_rate: float | None = None,
    fresh: bool = False,
    yes: bool = False,
) -> int:
    """The whole of `sdsetup model get`; returns the exit code. `limit_rate` in bytes per second.

    Raises:
        SdsetupError: why it could not be had, what is kept, how to go on.
    """
    folder = session.folder(dir)
    if dir is None and not folder.is_dir():
        raise SdsetupError(
            Text("No installation found for this model"),
            where=folder,
            code="no-installation",
            hint=Text("Pass the install folder with --dir, or install the web UI: sdsetup install"),
        )
    file = _file(session, name, folder)
    copy, look = None, not fresh
    if look and not yes and not session.json and session.screen.interactive:
        copy, look = _offered_copy(session, file, folder), False
    options = DownloadOptions(limit_rate=limit_rate, look_for_copies=look, copy=copy)
    with _working(session, folder, Text("Model {name}", name=file.name), file.size) as context:
        fetched = fetch(file, context, options=options)
    if session.json:
        print_document(fetched_json(fetched, file.name))
    elif not session.quiet:
        show_fetched(fetched, file.name, session.screen)
    return EXIT_DONE


def check_models(session: Session, dir: Path | None) -> int:
    """The whole of `sdsetup model check`; returns the exit code.

    Raises:
        SdsetupError: `no-model-folder`.
    """
    folder = session.folder(dir)
    with _working(session, folder, Text("Checking the models")) as context:
        verdicts = judge_models(context, session.catalog.models.models)
    if session.json:
        print_document(verdicts_json(verdicts, folder))
    else:
        show_verdicts(verdicts, folder, session.screen)
    return EXIT_DONE if all(verdict.ok for verdict in verdicts) else EXIT_EXPECTED


def import_model(
    session: Session,
    file: Path,
    dir: Path | None,
    *,
    name: str | None,
    allow_pickle: bool,
    trust: Sequence[str],
    copy: bool,
) -> int:
    """The whole of `sdsetup model import`; returns the exit code.

    Raises:
        SdsetupError: why the file is not taken; nothing was changed then.
    """
    source = named_path(file)
    with _working(session, session.folder(dir), Text("Importing the model")) as context:
        imported = import_file(
            source,
            context,
            session.catalog.models.models,
            name=name,
            allow_pickle=allow_pickle,
            trust=trust,
            copy=copy,
        )
    if session.json:
        print_document(imported_json(imported))
    elif not session.quiet:
        show_imported(imported, session.screen)
    return EXIT_DONE


def _is_there(path: Path, size: int) -> bool:
    """By size: `check` proves more, and takes its time for it."""
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False


def _file(session: Session, name: str, folder: Path) -> FetchFile:
    if ":" in name and "/" in name:
        reference = parse_reference(name)
        if reference is None:
            raise UsageError(
                Text("{name} is not in the form owner/repository:file", name=repr(name)),
                code="bad-model-name",
                hint=Text(
                    "For example: sdsetup model get stabilityai/sdxl-turbo:sd_xl_turbo_1.0_fp16.safetensors"
                ),
            )
        return look_up(reference, session.context(folder, silent, step=_STEP))
    return fetch_file(find_model(session.catalog.models.models, name))


def _offered_copy(session: Session, file: FetchFile, folder: Path) -> Path | None:
    """A proved copy on this computer, if the user wants it used."""
    with _working(session, folder, Text("Looking for the file on this PC")) as context:
        target = target_of(file, context)
        if target.is_file():
            return None
        found = proven_copy(file, target, context)
    if found is None:
        return None
    parent = next((place for place in target.parents if place.is_dir()), folder)
    session.screen.line(Text("This file is already on your PC: {path}", path=found))
    question = (
        Text("Use it instead of downloading {size}? It takes no extra disk space.", size=size(file.size))
        if same_drive(found, parent)
        else Text("Copy it instead of downloading {size}?", size=size(file.size))
    )
    return found if ask_yes(session.screen, question) else None


@contextmanager
def _working(session: Session, folder: Path, title: Text, total: int = 0) -> Iterator[Context]:
    """A bar (or plain lines) while the block lasts; it goes without a trace, the result is said afterwards."""
    step = Step(
        id=_STEP,
        title=title,
        detail=Text(""),
        action=FetchFile(name=str(title), save_as="", size=total, sha256="", sources=()),
    )
    with Live(Plan(dir=str(folder), steps=(step,)), session.screen) as live:
        live.listen(Event(kind="started", step=_STEP))
        yield session.context(folder, live.listen, step=_STEP)
