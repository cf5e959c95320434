"""One download at a time: a small file, the hub that serves it, the folder it goes to, quick manners."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faulty_hub import FaultyHub

from sdsetup.decide.events import Event
from sdsetup.decide.plan import FetchFile, Source
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, Fetched, fetch
from sdsetup.machine.real import RealMachine

SIZE = 1_500_000
CONTENT = random.Random(7).randbytes(SIZE)

QUICK = DownloadOptions(
    first_pause=0.01,
    longest_pause=0.05,
    connect_timeout=5,
    answer_timeout=1,
    stall_seconds=0.8,
    stall_rate=1000,
    mark_bytes=256 * 1024,
    margin_bytes=0,
    look_for_copies=False,
)


@dataclass
class Bench:
    """One download at a time: `get()` fetches what `hub` serves at /file into a folder of its own."""

    folder: Path
    hub: FaultyHub
    env: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    options: DownloadOptions = QUICK
    save_as: str = "models/model.bin"
    content: bytes = CONTENT

    @property
    def target(self) -> Path:
        return self.folder / "D" / self.save_as

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def bad(self) -> Path:
        return self.target.with_name(self.target.name + ".bad")

    def file(self, *sources: Source) -> FetchFile:
        return FetchFile(
            name="the model",
            save_as=self.save_as,
            size=len(self.content),
            sha256=hashlib.sha256(self.content).hexdigest(),
            sources=sources or (Source(url=self.hub.url + "/file"),),
        )

    def context(self) -> Context:
        return Context(
            dir=self.folder / "D",
            tools=self.folder / "tools",
            cache=self.folder / "cache",
            machine=RealMachine(self.env),
            listen=self.events.append,
        )

    def get(self, *sources: Source, **options: Any) -> Fetched:
        return fetch(self.file(*sources), self.context(), options=replace(self.options, **options))

    def url(self, path: str) -> Source:
        return Source(url=self.hub.url + path)

    def right(self) -> bool:
        """The target is the pinned file, and nothing unfinished is left beside it."""
        return self.target.read_bytes() == self.content and not self.part.exists()

    def put_part(self, data: bytes) -> None:
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self.part.write_bytes(data)

    @property
    def notes(self) -> str:
        return "\n".join(str(event.text) for event in self.events if event.kind == "note")
