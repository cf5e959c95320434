"""The log file of every run, in the platform's log folder, without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from sdsetup.decide.redaction import hide_secrets, known_secrets
from sdsetup.machine import Machine
from sdsetup.text import harmless

KEPT_LOGS = 20

_current: list[Path] = []


def log_folder(machine: Machine) -> Path:
    """Where logs of runs go; `SDSETUP_LOG_DIR` moves it (tests, read-only homes)."""
    if moved := machine.env.get("SDSETUP_LOG_DIR"):
        return Path(moved)
    import platformdirs

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
        handler = logging.FileHandler(path, encoding="utf-8", delay=False)
    except OSError:
        root.addHandler(logging.NullHandler())
        _current.clear()
        return
    handler.setFormatter(_Redacting(known_secrets(machine.env)))
    root.addHandler(handler)
    _current[:] = [path]
    _drop_old(folder)


class _Redacting(logging.Formatter):
    """Lines without secrets, whoever said them, and without letters that would steer the terminal of a reader."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._known = tuple(known)

    def format(self, record: logging.LogRecord) -> str:
        return harmless(hide_secrets(super().format(record), self._known), lines=True)


def _drop_old(folder: Path) -> None:
    for old in sorted(folder.glob("*.log"))[:-KEPT_LOGS]:
        try:
            old.unlink()
        except OSError:
            continue  # another run still writes it
