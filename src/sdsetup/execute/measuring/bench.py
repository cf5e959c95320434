"""Where a measurement is made, with what, and who hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sdsetup.catalog.failures import FailureBook
from sdsetup.catalog.measure import Pictures
from sdsetup.decide.tuning.measured import Key
from sdsetup.decide.tuning.measuring import Candidate, Measurement
from sdsetup.execute.context import Context
from sdsetup.execute.measuring.memory import Gauge
from sdsetup.execute.webui.painting import Patience
from sdsetup.launchfile import Settings
from sdsetup.text import Text
from sdsetup.values.facts import Vendor


class Told(Protocol):
    """Who hears how far it is."""

    def began(self, candidate: Candidate, done: Sequence[Measurement]) -> None: ...

    def doing(self, text: Text) -> None: ...

    def ended(self, measurement: Measurement) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Bench:
    """`settings`: what the rules want in the launch file; the flags are those of each candidate.
    `decided`: flags that candidates differ in; a candidate without one has it taken out.
    `spill_bytes`: what a program may have in shared memory without having run out of the card's own."""

    context: Context
    key: Key
    pictures: Pictures
    settings: Settings
    decided: tuple[str, ...]
    book: FailureBook
    gauge: Gauge
    told: Told
    spill_bytes: int
    vendors: tuple[Vendor, ...] | None = None
    patience: Patience = field(default_factory=Patience)
