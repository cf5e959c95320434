"""`failures.toml`: what a log line means and the way out, and what to try when a picture fails."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sdsetup.catalog.reading import Reader
from sdsetup.values.facts import Family, Vendor

Kind = Literal["cause", "general", "symptom", "note", "unseen"]

# What sdsetup can do about a failure by itself.
Act = Literal["install", "rebuild-environment", "write-launcher", "less-memory", "more-precision"]

# What went wrong with a picture, and the kinds of model: what a rung of a ladder can be for.
Trouble = Literal["vae", "unet", "picture", "sd15", "sdxl"]

# Filled in for every sentence and command, whatever its patterns find.
PLACES = ("dir", "python")

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FLAG = re.compile(r"--[a-z][a-z0-9-]*( \S+)*")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Facts that must be known and fit. An unknown fact does not fit: a wrong hint is worse than none."""

    families: tuple[Family, ...] = ()
    vendors: tuple[Vendor | Literal["none"], ...] = ()  # "none": there is no card


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One known failure. `rank` is its place in the file: the lower, the more specific."""

    id: str
    rank: int
    kind: Kind
    topic: str
    title: str
    cause: str
    fix: str
    command: str | None
    act: Act | None
    patterns: tuple[re.Pattern[str], ...]
    when: Condition
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rung:
    flag: str
    drops: tuple[str, ...]  # "--medvram", or with a value: "--precision half"
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Flags to try one after the other, from light to heavy. `because` mentions {flag} and {outcome}."""

    name: str
    because: str
    source: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, kw_only=True)
class FailureBook:
    failures: tuple[Failure, ...]
    precision: Ladder
    memory: Ladder


def parse_failures(raw: Mapping[str, Any], path: str) -> FailureBook:
    """The profile as values.

    Raises:
        ProfileError: with every problem of the file.
    """
    reader = Reader(raw, path)
    table = reader.table("failures")
    failures = tuple(_failure(table.table(name), name, table, rank) for rank, name in enumerate(table.keys()))
    ladders = reader.table("ladders")
    book = FailureBook(
        failures=failures,
        precision=_ladder(ladders.table("precision"), "precision"),
        memory=_ladder(ladders.table("memory"), "memory"),
    )
    ladders.no_other_keys()
    reader.no_other_keys()
    reader.finish()
    return book


def _failure(reader: Reader, name: str, table: Reader, rank: int) -> Failure:
    if not _ID.fullmatch(name):
        table.problem(name, "is not kebab-case")
    kind = reader.choice("kind", get_args(Kind))
    failure = Failure(
        id=name,
        rank=rank,
        kind=kind,
        topic=reader.text("topic"),
        title=reader.text("title"),
        cause=reader.text("cause"),
        fix=reader.text("cure"),
        command=reader.text("command", None),
        act=reader.choice("act", get_args(Act), None),
        patterns=_patterns(reader),
        when=_condition(reader.table("when", {})),
        sources=reader.texts("source"),
    )
    if bool(failure.patterns) == (kind == "unseen"):
        reader.problem("patterns", 'kind "unseen" has none, every other kind has some')
    if not failure.sources:
        reader.problem("source", "names no source")
    _check_sentences(reader, failure)
    reader.no_other_keys()
    return failure


def _patterns(reader: Reader) -> tuple[re.Pattern[str], ...]:
    compiled = []
    for n, text in enumerate(reader.texts("patterns")):
        try:
            pattern = re.compile(text, re.MULTILINE)
        except re.error as error:
            reader.problem(f"patterns[{n}]", f"is not a regular expression: {error}")
            continue
        if pattern.search(""):
            reader.problem(f"patterns[{n}]", "matches anything")
        compiled.append(pattern)
    return tuple(compiled)


def _condition(reader: Reader) -> Condition:
    families = _choices(reader, "family", get_args(Family))
    vendors = _choices(reader, "vendor", (*get_args(Vendor), "none"))
    reader.no_other_keys()
    return Condition(families=families, vendors=vendors)


def _choices(reader: Reader, key: str, options: tuple[str, ...]) -> tuple[Any, ...]:
    chosen = reader.texts(key, ())
    for value in chosen:
        if value not in options:
            reader.problem(key, f"{value!r} is not one of {', '.join(options)}")
    return chosen


def _check_sentences(reader: Reader, failure: Failure) -> None:
    """What a sentence mentions must be known whichever pattern matched."""
    groups = [set(pattern.groupindex) for pattern in failure.patterns]
    known = set(PLACES) | (set.intersection(*groups) if groups else set())
    _check_template(reader, "title", failure.title, set())
    _check_template(reader, "cause", failure.cause, known)
    _check_template(reader, "cure", failure.fix, known)
    _check_template(reader, "command", failure.command or "", known)


def _check_template(reader: Reader, key: str, template: str, known: set[str]) -> None:
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        reader.problem(key, f"is not a sentence that can be filled in: {error}")
        return
    for name in sorted(fields - known):
        reader.problem(key, f"mentions {{{name}}}, which is not known there")


def _ladder(reader: Reader, name: str) -> Ladder:
    ladder = Ladder(
        name=name,
        because=reader.text("because"),
        source=reader.text("source"),
        rungs=tuple(_rung(rung) for rung in reader.tables("rungs")),
    )
    _check_template(reader, "because", ladder.because, {"flag", "outcome"})
    if len({rung.flag for rung in ladder.rungs}) != len(ladder.rungs):
        reader.problem("rungs", "the same flag stands there twice")
    reader.no_other_keys()
    return ladder


def _rung(reader: Reader) -> Rung:
    rung = Rung(
        flag=reader.text("flag"),
        drops=reader.texts("drops"),
        troubles=_choices(reader, "for", get_args(Trouble)),
    )
    for key, flags in (("flag", (rung.flag,)), ("drops", rung.drops)):
        for flag in flags:
            if flag and not _FLAG.fullmatch(flag):
                reader.problem(key, f"{flag!r} is not a flag")
    if rung.flag in rung.drops:
        reader.problem("drops", f"{rung.flag} would drop itself")
    reader.no_other_keys()
    return rung
