"""What happens while a plan is carried out, as values; `show` listens and words them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sdsetup.text import Text

CHECKING = "checking"  # as a source: the bytes are here, and are being hashed


@dataclass(frozen=True, kw_only=True)
class Event:
    """`progress` carries bytes (`done`, `total`), a rate in bytes per second and where the bytes come from;
    `note` is a sentence about the step under way, `lasting` where the user has to know it afterwards."""

    kind: Literal["started", "progress", "note", "finished", "skipped", "failed"]
    step: str
    text: Text | None = None
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    source: str | None = None
    seconds: float | None = None
    lasting: bool = False


Listener = Callable[[Event], None]


def silent(_event: Event) -> None:
    """A listener for who needs none."""
