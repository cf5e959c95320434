"""What a step made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.text import Text
from sdsetup.values.corrections import Correction


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`result` is JSON-able, for the journal; `summary` a sentence about it; `lessons` what it taught."""

    result: Mapping[str, Any]
    summary: Text | None = None
    corrections: tuple[Correction, ...] = ()
