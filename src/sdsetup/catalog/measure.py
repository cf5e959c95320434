"""`measure.toml`: what is tried on the card itself, and how the winner is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.catalog.conditions import TEXT_FIELDS, Condition, read_condition
from sdsetup.catalog.flags import KnownFlags
from sdsetup.catalog.reading import Reader
from sdsetup.values.facts import GIB


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The images that every candidate makes: sizes in pixels; the first `warm_up` are not counted."""

    width: int
    height: int
    steps: int
    count: int
    warm_up: int
    seed: int
    prompt: str


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another way to do what the rules decide (`decides`: "attention", "precision")."""

    name: str
    decides: str
    title: str
    when: Condition
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MeasureProfile:
    """`margin` and `noise` are parts of one; `memory` is the ladder of each model class: the flags of a rung do
    the same, the first is the one to write, none means no flag. `unused`: flag -> the line by which the web UI
    says that it starts without it. `spill_bytes`: what a program may have in shared memory without having run out
    of the card's own."""

    margin: float
    noise: float
    spill_bytes: int
    guess_seconds: float
    because: str
    source: str
    pictures: Mapping[str, Pictures]
    alternatives: tuple[Alternative, ...]
    unused: Mapping[str, re.Pattern[str]]
    memory: Mapping[str, tuple[tuple[str, ...], ...]]
    memory_devices: tuple[str, ...]

    def pictures_for(self, device: str, model_class: str) -> Pictures:
        return self.pictures["processor" if device == "cpu" else model_class]


def parse_measure(raw: Mapping[str, Any], path: str, known: KnownFlags) -> MeasureProfile:
    """The typed reading of `measure.toml`.

    Raises:
        ProfileError: naming every problem in the file.
    """
    reader = Reader(raw, path)
    pictures = reader.table("pictures")
    listed = reader.table("alternatives")
    unused = reader.table("unused")
    memory = reader.table("memory")
    profile = MeasureProfile(
        margin=_part(reader, "margin"),
        noise=_part(reader, "noise"),
        spill_bytes=round(float(reader.number("spill")) * GIB),
        guess_seconds=float(reader.number("guess_seconds")),
        because=reader.text("because"),
        source=reader.text("source"),
        pictures={name: _pictures(pictures.table(name)) for name in ("sd15", "sdxl", "processor")},
        alternatives=tuple(_alternative(name, listed.table(name), known) for name in listed),
        unused={flag: _line(flag, unused.table(flag), unused, known) for flag in unused},
        memory={name: _ladder(memory, name, known) for name in TEXT_FIELDS["model"]},
        memory_devices=memory.texts("devices"),
    )
    pictures.no_other_keys()
    unused.no_other_keys()
    memory.no_other_keys()
    reader.no_other_keys()
    reader.finish()
    return profile


def _part(reader: Reader, key: str) -> float:
    value = float(reader.number(key))
    if not 0 <= value < 1:
        reader.problem(key, "must be a fraction: 0.08 for 8%")
    return value


def _pictures(reader: Reader) -> Pictures:
    pictures = Pictures(
        width=reader.integer("width"),
        height=reader.integer("height"),
        steps=reader.integer("steps"),
        count=reader.integer("count"),
        warm_up=reader.integer("warm_up"),
        seed=reader.integer("seed"),
        prompt=reader.text("prompt"),
    )
    for key in ("width", "height"):
        if getattr(pictures, key) % 8:
            reader.problem(key, "must be a multiple of 8")
    for key in ("steps", "count"):
        if getattr(pictures, key) < 1:
            reader.problem(key, "must be at least 1")
    reader.no_other_keys()
    return pictures


def _alternative(name: str, reader: Reader, known: KnownFlags) -> Alternative:
    alternative = Alternative(
        name=name,
        decides=reader.text("decides"),
        title=reader.text("title"),
        when=read_condition(reader.table("when", {})),
        flags=reader.texts("flags"),
    )
    for flag in alternative.flags:
        if (problem := known.problem_with(flag)) is not None:
            reader.problem("flags", problem)
    reader.no_other_keys()
    return alternative


def _line(flag: str, reader: Reader, listed: Reader, known: KnownFlags) -> re.Pattern[str]:
    if (problem := known.problem_with(flag)) is not None:
        listed.problem(flag, problem)
    line = reader.text("line")
    for why in ("because", "source"):
        reader.text(why)
    reader.no_other_keys()
    try:
        return re.compile(line, re.MULTILINE)
    except re.error as error:
        reader.problem("line", f"is no regular expression: {error}")
        return re.compile("")


def _ladder(reader: Reader, key: str, known: KnownFlags) -> tuple[tuple[str, ...], ...]:
    rungs = tuple(tuple(rung.split()) for rung in reader.texts(key))
    for flag in (flag for rung in rungs for flag in rung):
        if (problem := known.problem_with(flag)) is not None:
            reader.problem(key, problem)
    return rungs
