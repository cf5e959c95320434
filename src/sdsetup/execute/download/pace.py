"""How fast it goes: the rate for the bar, the stall clock, the limit a user set, the pauses between tries."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable

from sdsetup.execute.download.options import DownloadOptions
from sdsetup.machine.web_errors import BrokenError
from sdsetup.text import Text

_SAMPLE = 0.25  # seconds between two samples of the meter
_RATE_WINDOW = 5.0


class RateMeter:
    """Watches one connection from outside: told now and then how many bytes have come in all."""

    def __init__(self, options: DownloadOptions) -> None:
        self._options = options
        self._start = time.monotonic()
        self._total = 0
        self._samples: deque[tuple[float, int]] = deque([(self._start, 0)])

    def at(self, total: int) -> None:
        """So many bytes have come by now."""
        self._total = total
        self._sample(time.monotonic())

    def _sample(self, now: float) -> None:
        if now - self._samples[-1][0] >= _SAMPLE:
            self._samples.append((now, self._total))
            while len(self._samples) > 2 and now - self._samples[1][0] > self._options.stall_seconds:
                self._samples.popleft()

    def rate(self) -> float:
        """Bytes per second over the last few seconds."""
        now = time.monotonic()
        then, had = self._at(now - _RATE_WINDOW)
        return (self._total - had) / max(now - then, _SAMPLE)

    def check(self) -> None:
        """Break a line that stands still; one that moves, however slowly, is left alone.

        Raises:
            BrokenError: less than the stall rate over the whole stall time.
        """
        now = time.monotonic()
        window = self._options.stall_seconds
        if now - self._start < window:
            return
        floor = self._options.stall_rate
        if self._options.limit_rate is not None:
            floor = min(floor, self._options.limit_rate / 2)
        _then, had = self._at(now - window)
        if self._total - had < floor * window:
            raise BrokenError(Text("no data for {seconds} s", seconds=f"{window:.0f}"), "stalled")

    def _at(self, moment: float) -> tuple[float, int]:
        """The last sample not after `moment`, or the first one."""
        best = self._samples[0]
        for sample in self._samples:
            if sample[0] > moment:
                break
            best = sample
        return best


class Limit:
    """Keeps the average at or below a rate that the user set."""

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._ready = time.monotonic()

    def piece(self, size: int) -> int:
        """The largest read that keeps the flow smooth: a tenth of a second's worth."""
        return size if self.rate is None else max(1, min(size, int(self.rate / 10)))

    def spend(self, count: int) -> None:
        if self.rate is None:
            return
        now = time.monotonic()
        self._ready = max(self._ready, now - 1) + count / self.rate
        if self._ready > now:
            time.sleep(self._ready - now)


def pause_before(attempt: int, options: DownloadOptions) -> float:
    """Seconds before try number `attempt` (1 is the first repetition): doubling, up to a bound, with jitter
    so that a thousand clients of one broken server do not come back at the same moment."""
    pause: float = min(options.longest_pause, options.first_pause * 2.0 ** min(attempt - 1, 20))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def rest(seconds: float, beat: Callable[[], None]) -> None:
    """Sleep in small pieces, so that the bar lives and Ctrl-C is heard."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.5))
        beat()
