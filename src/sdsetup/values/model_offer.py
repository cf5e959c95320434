"""A model as the wizard offers it: what it costs, whether it fits this graphics card, and where it is already."""

from __future__ import annotations

from dataclasses import dataclass

from sdsetup.text import Text


@dataclass(frozen=True, kw_only=True)
class ModelOffer:
    """`size` in bytes. `answer`: yes, slow, no; None where the card says nothing. `there`: in the install folder
    already; `copy`: a file of the same size elsewhere on this PC, which is checked before it is used."""

    name: str
    title: Text
    size: int
    answer: str | None = None
    because: Text | None = None
    there: bool = False
    copy: str | None = None
