"""What an installation's folder remembers between runs beside its journal: work that was begun, a start that
failed, and the commit that the user chose. Small files of ours below `.sdsetup`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from sdsetup.storage import read_json, write_json
from sdsetup.values.layout import state_folder
from sdsetup.values.request import Request

_log = logging.getLogger("sdsetup.trust")


def distrust(folder: Path, why: str) -> None:
    """A start or a picture failed: what the journal says of the environment and the proofs counts no more."""
    state = state_folder(folder)
    if state.is_dir():
        with _harmless():
            write_json(state / "distrust.json", {"schema": "sdsetup.distrust/1", "why": why, "at": _now()})


def trust(folder: Path) -> None:
    """It was seen to work."""
    with _harmless():
        (state_folder(folder) / "distrust.json").unlink(missing_ok=True)


@contextlib.contextmanager
def under_way(folder: Path, request: Request) -> Iterator[None]:
    """While the block lasts the folder says what is being done to it; it says so still when the run is killed
    or fails, until one ends well."""
    path = state_folder(folder) / "unfinished.json"
    write_json(path, {"schema": "sdsetup.unfinished/1", "began": _now(), "words": list(words_of(request))})
    yield
    with _harmless():
        path.unlink(missing_ok=True)


def words_of(request: Request) -> tuple[str, ...]:
    """The command that asks for the same again, as words after `sdsetup`."""
    words = ["install", "--dir", request.dir]
    if request.model != "sd15":
        words += ["--model", request.model or "none"]
    if not request.picture:
        words.append("--no-picture")
    return tuple(words)


def chosen_ref(folder: Path) -> str | None:
    """The commit of the web UI that the user asked for with --ref, None for the pinned one."""
    said = read_json(state_folder(folder) / "chosen.json")
    ref = said.get("ref") if isinstance(said, dict) else None
    return ref if isinstance(ref, str) and ref else None


def choose_ref(folder: Path, ref: str | None) -> None:
    """Remember what a plain `install` stays at; None goes back to the pinned commit."""
    path = state_folder(folder) / "chosen.json"
    if ref is not None:
        write_json(path, {"schema": "sdsetup.chosen/1", "ref": ref})
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    """A memory that cannot be written is no reason to stop."""
    try:
        yield
    except OSError as error:
        _log.warning("%s", error)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
