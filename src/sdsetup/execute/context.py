"""What every step is given: where to work, on which machine, and whom to tell; and what it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdsetup.catalog.catalog import Catalog
from sdsetup.machine import Machine
from sdsetup.text import Text
from sdsetup.values.corrections import Correction
from sdsetup.values.events import Event, Listener, silent
from sdsetup.values.layout import state_folder


@dataclass(frozen=True, kw_only=True)
class Context:
    """`dir` is the installation folder; `tools` and `cache` are ours, in the platform's application folders."""

    dir: Path
    tools: Path
    cache: Path
    machine: Machine
    catalog: Catalog = field(default_factory=Catalog)
    step: str = ""
    listen: Listener = silent
    one_index: bool = False  # the ordinary package index has everything, torch too: a kit's

    @property
    def state(self) -> Path:
        """Our own folder inside the installation: journal, fingerprint, logs, lock."""
        return state_folder(self.dir)

    def note(self, text: Text) -> None:
        """What the step is at."""
        self.listen(Event(kind="note", step=self.step, text=text))

    def tell(self, text: Text) -> None:
        """What the user has to know afterwards: where a file of theirs is kept, what was left as it is."""
        self.listen(Event(kind="note", step=self.step, text=text, lasting=True))

    def progress(
        self, done: int, total: int | None, *, rate: float | None = None, source: str | None = None
    ) -> None:
        self.listen(Event(kind="progress", step=self.step, done=done, total=total, rate=rate, source=source))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`result` is JSON-able, for the journal; `summary` a sentence about it; `corrections` what it taught."""

    result: Mapping[str, Any]
    summary: Text | None = None
    corrections: tuple[Correction, ...] = ()
