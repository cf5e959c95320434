"""How long a plan will take from here: from the bytes that are to come, the rate they come at, and how fast this
PC has been at the steps that transfer nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdsetup.values.plan import Plan, Step

_ASSUMED_RATE = 10e6  # bytes per second, for the length of the bar only: no time is named before one was measured
_SLOWEST, _FASTEST = 5.0, 0.1  # how far this PC may be from where the seconds were measured
_NEW = 0.2  # the weight of the newest rate beside the earlier ones


@dataclass(kw_only=True)
class _Under:
    """The step under way."""

    step: Step
    began: float
    share: float = 0.0  # of its bytes
    bytes_over: float | None = None  # when its last byte came


@dataclass(kw_only=True)
class TimeLeft:
    """Fed with what happens; asked at any time. Times are seconds of one monotonic clock.

    left = TimeLeft(plan=plan)
    left.started("webui", now); left.progressed(done, total, rate, now); left.finished("webui", now)
    """

    plan: Plan
    rate: float | None = None  # bytes per second
    _under: _Under | None = None
    _over: set[str] = field(default_factory=set)
    _expected: float = 0.0  # seconds beside the transfer, of the steps that are finished
    _taken: float = 0.0
    _shown: float = 0.0

    def started(self, name: str, now: float) -> None:
        step = next((step for step in self.plan.todo if step.id == name), None)
        self._under = None if step is None else _Under(step=step, began=now)

    def progressed(self, done: int, total: int | None, rate: float | None, now: float) -> None:
        """Bytes so far of the step under way."""
        if rate is not None and rate > 0:
            self.rate = rate if self.rate is None else self.rate + _NEW * (rate - self.rate)
        under = self._under
        if under is not None and total:
            under.share = max(under.share, min(1.0, done / total))
            if under.share >= 1 and under.bytes_over is None:
                under.bytes_over = now

    def finished(self, name: str, now: float) -> None:
        under = self._under
        if under is not None and under.step.id == name:
            since = under.began if under.bytes_over is None else under.bytes_over
            if not under.step.bytes or under.bytes_over is not None:
                self._expected += under.step.seconds
                self._taken += now - since
            self._under = None
        self._over.add(name)

    def left(self, now: float) -> float | None:
        """Seconds to the end; None while bytes are to come and no rate is known."""
        coming = self._bytes_to_come()
        if coming and self.rate is None:
            return None
        return (coming / self.rate if coming and self.rate else 0.0) + self._beside_to_come(now)

    def share(self, now: float) -> float:
        """How much of the work is done, 0 to 1; never less than what was said before."""
        rate = self.rate or _ASSUMED_RATE
        whole = sum(step.bytes / rate + step.seconds * self._pace for step in self.plan.todo)
        to_come = self._bytes_to_come() / rate + self._beside_to_come(now)
        if whole > 0:
            self._shown = max(self._shown, min(1.0, 1 - to_come / whole))
        return self._shown

    @property
    def _pace(self) -> float:
        """How much longer this PC takes than expected. A second says little: three are lent to both sides."""
        return max(_FASTEST, min(_SLOWEST, (self._taken + 3) / (self._expected + 3)))

    def _pending(self) -> list[Step]:
        under = self._under.step.id if self._under is not None else None
        return [step for step in self.plan.todo if step.id not in self._over and step.id != under]

    def _bytes_to_come(self) -> float:
        under = self._under
        rest = under.step.bytes * (1 - under.share) if under is not None else 0.0
        return rest + sum(step.bytes for step in self._pending())

    def _beside_to_come(self, now: float) -> float:
        seconds = sum(step.seconds for step in self._pending()) * self._pace
        under = self._under
        if under is None:
            return seconds
        mine = under.step.seconds * self._pace
        since = under.bytes_over if under.step.bytes else under.began
        # One that takes longer than expected is always nearly done.
        return seconds + (mine if since is None else max(mine - (now - since), mine * 0.1))
