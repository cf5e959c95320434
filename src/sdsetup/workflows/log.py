"""The log file of every run, in the platform's log folder, without secrets.

A run that only looked and had nothing to complain of leaves none; of the others the last ones are kept, and those
that failed or were cut off for a month.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from sdsetup.machine import Machine
from sdsetup.redaction.secrets import hide_secrets, known_secrets
from sdsetup.show.screen import Screen
from sdsetup.text import Text, harmless

KEPT_LOGS = 20
KEPT_FAILED_DAYS = 30

_OURS = re.compile(r"\d{8}-\d{6}-[a-z-]+-\d{6}\.log")

# Commands that change nothing unless they say so (`changes`).
_LOOKING = frozenset({"doctor", "status", "why", "report", "tune"})
_ENDED_WELL = "the run ended well"

_current: list[Path] = []
_looks_only: list[bool] = []


def log_folder(machine: Machine) -> Path:
    """Where logs of runs go; `SDSETUP_LOG_DIR` moves it (tests, read-only homes)."""
    if moved := machine.env.get("SDSETUP_LOG_DIR"):
        return Path(moved)
    return Path(platformdirs.user_log_path("sdsetup", appauthor=False))


def current() -> Path | None:
    """The log file of this run, None when none could be written."""
    return _current[-1] if _current else None


def start(command: str, machine: Machine) -> None:
    """Open this run's log file. A folder that cannot be written is no reason to stop."""
    root = logging.getLogger("sdsetup")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    try:
        folder = log_folder(machine)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{command}-{time.time_ns() % 10**6:06d}.log"
        handler = _LogFile(path)
    except OSError as error:
        _do_without(error)
        return
    handler.setFormatter(_Redacting(known_secrets(machine.env)))
    root.addHandler(handler)
    _current[:] = [path]
    _looks_only[:] = [command in _LOOKING]
    _drop_old(folder)


class _LogFile(logging.FileHandler):
    """A log file that is given up, with one sentence, when it cannot be written any more."""

    def __init__(self, path: Path) -> None:
        # A file name that is no UTF-8 must not cost the line that mentions it.
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=False)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        logging.getLogger("sdsetup").removeHandler(self)
        with contextlib.suppress(OSError):  # what it still holds cannot be written either
            self.close()
        _do_without(error)


def _do_without(error: OSError) -> None:
    logging.getLogger("sdsetup").addHandler(logging.NullHandler())
    _current.clear()
    screen = Screen(to_stderr=True)
    why = error.strerror or str(error)
    said = Text(
        "{mark} The log can't be written ({why}). Continuing without it.", mark=screen.mark("warn"), why=why
    )
    screen.line(said, "warn")


def changes() -> None:
    """This run does not only look: its log is kept."""
    _looks_only[:] = [False]


def finish(*, failed: bool) -> None:
    """The run ends. `failed`: with an error, whose log was named on the screen."""
    path = current()
    if path is None or failed:
        return
    logging.getLogger("sdsetup").info(_ENDED_WELL)
    if not _looks_only[-1]:
        return
    root = logging.getLogger("sdsetup")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.addHandler(logging.NullHandler())
    _current.clear()
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # it stays like any other


class _Redacting(logging.Formatter):
    """Lines without secrets, whoever said them, and without letters that would steer the terminal of a reader."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._known = tuple(known)

    def format(self, record: logging.LogRecord) -> str:
        return harmless(hide_secrets(super().format(record), self._known), lines=True)


def _drop_old(folder: Path) -> None:
    # SDSETUP_LOG_DIR may name a folder with logs of other programs in it.
    ours = sorted(path for path in folder.glob("*.log") if _OURS.fullmatch(path.name))
    newest = set(ours[-KEPT_LOGS:])
    for old in ours:
        try:
            if old not in newest and not _still_of_use(old):
                old.unlink()
        except OSError:
            continue  # another run still writes it


def _still_of_use(path: Path) -> bool:
    """Whether it tells of a run that failed or was cut off within the last weeks."""
    if time.time() - path.stat().st_mtime > KEPT_FAILED_DAYS * 86400:
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 300))
        return _ENDED_WELL.encode() not in file.read()
