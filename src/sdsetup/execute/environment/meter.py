"""How much of an environment has arrived, counted over several downloads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from sdsetup.execute.context import Context
from sdsetup.text import Text

_EVERY = 0.2  # seconds between two reports


class Meter:
    """Adds up the bytes of many files and tells the listener now and then. Callable from any thread."""

    def __init__(self, context: Context, sizes: Mapping[str, int]) -> None:
        self._context = context
        self._sizes = sizes
        self._total = sum(sizes.values())
        self._done: dict[str, int] = {}
        self._lock = threading.Lock()
        self._told = 0.0
        self._marks: list[tuple[float, int]] = []

    def finish(self, name: str) -> None:
        """All of this file has arrived."""
        if name in self._sizes:
            self.set(name, self._sizes[name])

    def complete(self) -> None:
        """All has arrived: uv does not name the smallest files."""
        for name, size in self._sizes.items():
            self._done[name] = size
        if self._sizes:
            self._context.progress(self._total, self._total)

    def set(self, name: str, done: int, *, source: str | None = None) -> None:
        """So many bytes of this file have arrived."""
        with self._lock:
            self._done[name] = done
            now, so_far = time.monotonic(), min(sum(self._done.values()), self._total)
            if now - self._told < _EVERY:
                return
            self._told = now
            self._context.progress(so_far, self._total, rate=self._rate(now), source=source)

    def note(self, text: Text) -> None:
        with self._lock:
            self._context.note(text)

    def _rate(self, now: float) -> float | None:
        """Bytes per second over about the last ten seconds."""
        self._marks = [*(mark for mark in self._marks if now - mark[0] < 10), (now, sum(self._done.values()))]
        (first, before), (_last, after) = self._marks[0], self._marks[-1]
        return (after - before) / (now - first) if now > first else None
