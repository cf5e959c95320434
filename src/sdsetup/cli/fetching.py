"""What `model get` does: the name's meaning, a copy offered, the transfer with its bar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session
from sdsetup.decide.events import Event, Listener, silent
from sdsetup.decide.plan import FetchFile, Plan, Step
from sdsetup.errors import EXIT_DONE, SdsetupError, UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.execute.context import Context

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)[bB]?(?:/s)?")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_STEP = "model"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options of `model get`. `limit_rate` in bytes per second."""

    name: str
    dir: Path | None = None
    limit_rate: float | None = None
    fresh: bool = False
    yes: bool = False


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
            Text("{text} is no rate", text=repr(text)),
            code="bad-rate",
            hint=Text("Give bytes per second, as in --limit-rate 500k or --limit-rate 2M."),
        )
    return rate


def get_model(session: Session, wanted: Wanted) -> int:
    """The whole of `sdsetup model get`; returns the exit code.

    Raises:
        SdsetupError: why it could not be had, what is kept, how to go on.
    """
    from sdsetup.cli.folders import chosen_folder
    from sdsetup.execute.download import DownloadOptions, fetch

    folder = chosen_folder(session, wanted.dir)
    if wanted.dir is None and not folder.is_dir():
        raise SdsetupError(
            Text("There is no installation to put the model into"),
            where=folder,
            code="no-installation",
            hint=Text("Name the web UI's folder with --dir, or install one: sdsetup install"),
        )
    file = _file(session, wanted.name, folder)
    copy, look = None, not wanted.fresh
    if look and not wanted.yes and not session.json and session.screen.interactive:
        copy, look = _offered_copy(session, file, folder), False
    options = DownloadOptions(limit_rate=wanted.limit_rate, look_for_copies=look, copy=copy)
    with working(session, folder, f"Model {file.name}", file.size) as listen:
        fetched = fetch(file, context_for(session, folder, listen), options=options)
    if session.json:
        from sdsetup.show.document import print_document
        from sdsetup.show.model import fetched_json

        print_document(fetched_json(fetched, file.name))
    elif not session.quiet:
        from sdsetup.show.model import show_fetched

        show_fetched(fetched, file.name, session.screen)
    return EXIT_DONE


def _file(session: Session, name: str, folder: Path) -> FetchFile:
    from sdsetup.decide.profiles.models import fetch_file, find_model, parse_models

    if ":" in name and "/" in name:
        from sdsetup.execute.download.hub_model import look_up, parse_reference

        reference = parse_reference(name)
        if reference is None:
            raise UsageError(
                Text("{name} is not of the form owner/repository:file", name=repr(name)),
                code="bad-model-name",
                hint=Text(
                    "For example: sdsetup model get stabilityai/sdxl-turbo:sd_xl_turbo_1.0_fp16.safetensors"
                ),
            )
        return look_up(reference, context_for(session, folder, silent))
    return fetch_file(find_model(parse_models(session.profiles.raw("models")), name))


def _offered_copy(session: Session, file: FetchFile, folder: Path) -> Path | None:
    """A proved copy on this computer, if the person wants it used."""
    from sdsetup.execute.download.preflight import target_of
    from sdsetup.execute.download.reuse import proven_copy, same_drive
    from sdsetup.show.questions import ask_yes
    from sdsetup.show.words import size

    with working(session, folder, "Looking for the file on this computer") as listen:
        context = context_for(session, folder, listen)
        target = target_of(file, context)
        if target.is_file():
            return None
        found = proven_copy(file, target, context)
    if found is None:
        return None
    parent = next((place for place in target.parents if place.is_dir()), folder)
    cost = Text("takes no further space") if same_drive(found, parent) else Text("is copied")
    session.screen.line(Text("This computer has the very file: {path}", path=found))
    question = Text("It {cost}. Use it instead of downloading {size}?", cost=cost, size=size(file.size))
    return found if ask_yes(session.screen, question) else None


def context_for(session: Session, folder: Path, listen: Listener) -> Context:
    from sdsetup.execute.context import Context
    from sdsetup.storage import cache_folder, data_folder

    return Context(
        dir=folder,
        tools=data_folder(session.machine.env) / "tools",
        cache=cache_folder(session.machine.env),
        machine=session.machine,
        profiles=session.profiles,
        step=_STEP,
        listen=listen,
    )


@contextmanager
def working(session: Session, folder: Path, title: str, total: int = 0) -> Iterator[Listener]:
    """A bar (or plain lines) while the block lasts; it goes without a trace, the result is said afterwards."""
    from sdsetup.show.live import Live

    step = Step(
        id=_STEP,
        title=Text(title),
        detail=Text(""),
        action=FetchFile(name=title, save_as="", size=total, sha256="", sources=()),
    )
    with Live(Plan(dir=str(folder), steps=(step,)), session.screen) as live:
        live.listen(Event(kind="started", step=_STEP))
        yield live.listen
