"""The web UI's whole output, kept in `D/.sdsetup/logs`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from sdsetup.decide.diagnosis import OURS
from sdsetup.decide.redaction import hide_secrets

KEPT_LOGS = 20
_REMEMBERED = 60_000  # lines; what a diagnosis reads


class WebUILog:
    """One file per start, line by line, without the secrets among the flags. A disk that refuses it is no reason
    not to start: then the output is only remembered."""

    def __init__(self, state: Path, secrets: Sequence[str] = ()) -> None:
        self.lines: list[str] = []
        self.path: Path | None = None
        self._secrets = tuple(secrets)
        folder = state / "logs"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _free_name(folder)
            self._file = path.open("x", encoding="utf-8", errors="replace", newline="\n")
            self.path = path
            for old in sorted(folder.glob("webui-*.log"))[:-KEPT_LOGS]:
                old.unlink(missing_ok=True)
        except OSError:
            self.path = self.path if hasattr(self, "_file") else None

    def add(self, line: str) -> str:
        """Keep a line; the line as it was kept."""
        line = hide_secrets(line, self._secrets)
        self.lines.append(line)
        if len(self.lines) > _REMEMBERED * 1.2:
            del self.lines[: len(self.lines) - _REMEMBERED]
        if self.path is not None:
            try:
                self._file.write(line + "\n")
                self._file.flush()
            except (OSError, ValueError):
                self.path = None  # the disk is full: go on without
        return line

    def note(self, line: str) -> None:
        """A line of our own, marked as such; patterns of failures may ask for it."""
        self.add(f"{OURS} {line}")

    def close(self) -> None:
        if hasattr(self, "_file"):
            try:
                self._file.close()
            except OSError:
                self.path = None


def _free_name(folder: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path, count = folder / f"webui-{stamp}.log", 1
    while path.exists():
        count += 1
        path = folder / f"webui-{stamp}-{count:02d}.log"
    return path
