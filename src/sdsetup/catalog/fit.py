"""`fit.toml`: how much of a card's memory each kind of model wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.catalog.reading import Reader

ANSWERS = ("yes", "slow", "no")


@dataclass(frozen=True, kw_only=True)
class Step:
    """From `from_gib` GiB of a card's memory on, whether a model fits and what to expect."""

    from_gib: float
    answer: str
    because: str


@dataclass(frozen=True, kw_only=True)
class ModelKind:
    """A kind of model as users name it. `id`: what --model-class takes, and `also` beside it;
    `program`: what runs it, where this web UI does not."""

    id: str
    name: str
    also: tuple[str, ...]
    steps: tuple[Step, ...]
    program: str | None


def parse_fit(raw: Mapping[str, Any], path: str = "fit.toml") -> tuple[ModelKind, ...]:
    """The kinds of `fit.toml`, in its order.

    Raises:
        ProfileError: naming every problem in the file.
    """
    reader = Reader(raw, path)
    table = reader.table("models")
    kinds = tuple(_kind(name, table.table(name)) for name in table)
    reader.no_other_keys()
    reader.finish()
    return kinds


def _kind(id: str, reader: Reader) -> ModelKind:
    steps = tuple(_step(row) for row in reader.tables("fits", ()))
    kind = ModelKind(
        id=id,
        name=reader.text("name"),
        also=reader.texts("also", ()),
        steps=steps,
        program=reader.text("program", None),
    )
    reader.text("source")
    if bool(steps) is (kind.program is not None):
        reader.problem("fits", "give either `fits` or `program`")
    if [step.from_gib for step in steps] != sorted(step.from_gib for step in steps):
        reader.problem("fits", "rows must be in order of memory")
    reader.no_other_keys()
    return kind


def _step(reader: Reader) -> Step:
    step = Step(
        from_gib=float(reader.number("from_gib") or 0),
        answer=reader.choice("answer", ANSWERS),
        because=reader.text("because"),
    )
    reader.no_other_keys()
    return step
