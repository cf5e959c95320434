"""The highest use of the card while something runs, looked at in a thread beside it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Protocol

from sdsetup.machine.answers import CardUse

_EVERY = 0.25  # seconds


class Gauge(Protocol):
    """What tells how full the card is; see `machine.card_watch`."""

    def use(self, pid: int | None = None) -> CardUse: ...


class Peaks:
    """Looks while the block lasts. `used`, `total` and `shared`: the highest seen, None where nobody tells.

    with Peaks(gauge, pid) as peaks:
        ...
    peaks.used
    """

    def __init__(self, gauge: Gauge, pid: int) -> None:
        self.used: int | None = None
        self.total: int | None = None
        self.shared: int | None = None
        self._gauge = gauge
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="video memory")

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(5)

    def look(self) -> None:
        seen = self._gauge.use(self._pid)
        self.used = _higher(self.used, seen.used)
        self.total = _higher(self.total, seen.total)
        self.shared = _higher(self.shared, seen.shared)

    def _watch(self) -> None:
        # Not at once: what the one before held is given back a moment after its end.
        while not self._over.wait(_EVERY):
            self.look()


def _higher(one: int | None, other: int | None) -> int | None:
    return max((n for n in (one, other) if n is not None), default=None)
