"""`failures/*.toml`: what a log line means and how to fix it, and what to try when an image fails."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sdsetup.catalog.reading import Reader
from sdsetup.values.facts import Family, Vendor

Kind = Literal["cause", "general", "where", "symptom", "note", "unseen"]

# What sdsetup can do about a failure by itself.
Act = Literal[
    "install", "clone-again", "rebuild-environment", "restore-packages", "write-launcher", "fetch-model",
    "check-models", "reset-settings", "reset-cache", "less-memory", "more-precision", "start-again",
]  # fmt: skip

# What went wrong with an image, and the kinds of model: what a rung of a ladder can be for.
Trouble = Literal["vae", "unet", "picture", "sd15", "sdxl"]

# Filled in for every sentence and command, whatever its patterns find.
PLACES = ("dir", "python")
# Filled in from the incident; where it does not say, the words of the profile's `[unnamed]` stand in.
NAMED = (
    "extension",
    "package",
    "model",
    "host",
    "path",
    "flags",
    "webui",
    "torch",
    "python_version",
    "last_error",
)

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
VERSION = re.compile(r"(<=|>=|==|<|>)(\d+(?:\.\d+)*)")
_FLAG = re.compile(r"--[a-z][a-z0-9-]*( \S+)*")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Facts that must be known and fit. An unknown fact does not fit: a wrong hint is worse than none."""

    families: tuple[Family, ...] = ()
    vendors: tuple[Vendor | Literal["none"], ...] = ()  # "none": there is no card
    python: tuple[str, ...] = ()  # ">=3.12": each must hold
    webui: tuple[str, ...] = ()
    torch: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()  # one of them was given
    without_flags: tuple[str, ...] = ()  # none of them was given; an unknown command line does not fit
    extension: bool | None = None  # whether the incident is an extension's


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that a log can be from, by any of its patterns. A `fork` prints the banner of this web UI too."""

    id: str
    name: str
    patterns: tuple[re.Pattern[str], ...]
    fork: bool = False


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
    takes_out: tuple[str, ...]  # flags ("--precision", "{unknown}") and variables that the launch file must lose
    patterns: tuple[re.Pattern[str], ...]
    beside: tuple[re.Pattern[str], ...]  # one of them must stand in the same incident; empty: nothing must
    when: Condition
    lasting: bool  # true although the page comes up; only an image contradicts it
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


SIGNALS = ("segfault", "killed", "aborted")


@dataclass(frozen=True, kw_only=True)
class FailureBook:
    """`messages`: Windows' own sentences by error number; `banner`: what this web UI
    prints at its start; `ours`: what speaks for it; `harmless`: lines
    that are never a cause; `signals`: what a shell calls a crash, by its
    name; `unnamed`: words for what an incident does not name; `states`: see `Reading`."""

    failures: tuple[Failure, ...]
    precision: Ladder
    memory: Ladder
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    programs: tuple[Program, ...] = ()
    banner: tuple[re.Pattern[str], ...] = ()
    ours: tuple[re.Pattern[str], ...] = ()
    harmless: tuple[re.Pattern[str], ...] = ()
    harmless_tracebacks: tuple[re.Pattern[str], ...] = ()
    signals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unnamed: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, Failure] = field(default_factory=dict)


def parse_failures(raw: Mapping[str, Any], path: str) -> FailureBook:
    """The profile as values.

    Raises:
        ProfileError: with every problem of the file.
    """
    reader = Reader(raw, path)
    table = reader.table("failures")
    failures = tuple(_failure(table.table(name), name, table, rank) for rank, name in enumerate(table.keys()))
    ladders = reader.table("ladders")
    states = reader.table("states", {})
    messages = reader.table("messages", {})
    programs = reader.table("programs", {})
    log = reader.table("log", {})
    unnamed = log.table("unnamed", {})
    signals = log.table("signals", {})
    book = FailureBook(
        failures=failures,
        precision=_ladder(ladders.table("precision"), "precision"),
        memory=_ladder(ladders.table("memory"), "memory"),
        messages={id: _message(messages.table(id)) for id in messages},
        programs=tuple(_program(programs.table(id), id) for id in programs),
        banner=_patterns(log, "banner"),
        ours=_patterns(log, "ours"),
        harmless=_patterns(log, "harmless"),
        harmless_tracebacks=_patterns(log, "harmless_tracebacks"),
        signals={name: signals.texts(name, ()) for name in SIGNALS if signals.has(name)},
        unnamed={name: unnamed.text(name) for name in NAMED if unnamed.has(name)},
        states={id: _failure(states.table(id), id, states, 0) for id in states},
    )
    reader.texts("source", ())
    unnamed.no_other_keys()
    if log.has("signals"):
        signals.text("because")
        signals.texts("source")
    signals.no_other_keys()
    log.no_other_keys()
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
        takes_out=reader.texts("takes_out", ()),
        patterns=_patterns(reader),
        beside=_patterns(reader, "beside"),
        when=_condition(reader.table("when", {})),
        lasting=reader.boolean("lasting", False),
        sources=reader.texts("source"),
    )
    if bool(failure.patterns) == (kind == "unseen"):
        reader.problem("patterns", 'kind "unseen" has none, every other kind has some')
    if failure.takes_out and failure.act != "write-launcher":
        reader.problem("takes_out", 'only act "write-launcher" takes something out of a launch file')
    if not failure.sources:
        reader.problem("source", "names no source")
    _check_sentences(reader, failure)
    reader.no_other_keys()
    return failure


def _message(reader: Reader) -> tuple[str, ...]:
    texts: tuple[str, ...] = reader.texts("texts")
    reader.no_other_keys()
    return texts


def _program(reader: Reader, id: str) -> Program:
    program = Program(
        id=id, name=reader.text("name"), patterns=_patterns(reader), fork=reader.boolean("fork", False)
    )
    reader.no_other_keys()
    return program


def _patterns(reader: Reader, key: str = "patterns") -> tuple[re.Pattern[str], ...]:
    compiled = []
    for n, text in enumerate(reader.texts(key) if key == "patterns" else reader.texts(key, ())):
        try:
            pattern = re.compile(text, re.MULTILINE)
        except re.error as error:
            reader.problem(f"{key}[{n}]", f"is not a valid regular expression: {error}")
            continue
        if pattern.search(""):
            reader.problem(f"{key}[{n}]", "matches anything")
        compiled.append(pattern)
    return tuple(compiled)


def _condition(reader: Reader) -> Condition:
    families = _choices(reader, "family", get_args(Family))
    vendors = _choices(reader, "vendor", (*get_args(Vendor), "none"))
    condition = Condition(
        families=families,
        vendors=vendors,
        python=_versions(reader, "python"),
        webui=_versions(reader, "webui"),
        torch=_versions(reader, "torch"),
        flags=reader.texts("flags", ()),
        without_flags=reader.texts("without_flags", ()),
        extension=reader.boolean("extension", None),
    )
    reader.no_other_keys()
    return condition


def _versions(reader: Reader, key: str) -> tuple[str, ...]:
    wanted: tuple[str, ...] = reader.texts(key, ())
    for text in wanted:
        if not VERSION.fullmatch(text):
            reader.problem(key, f'{text!r} is not a version with <, <=, >, >=, or ==, such as ">=3.12"')
    return wanted


def _choices(reader: Reader, key: str, options: tuple[str, ...]) -> tuple[Any, ...]:
    chosen = reader.texts(key, ())
    for value in chosen:
        if value not in options:
            reader.problem(key, f"{value!r} is not one of {', '.join(options)}")
    return chosen


def _check_sentences(reader: Reader, failure: Failure) -> None:
    """What a sentence mentions must be known whichever pattern matched."""
    groups = [set(pattern.groupindex) for pattern in failure.patterns]
    known = set(PLACES) | set(NAMED) | (set.intersection(*groups) if groups else set())
    _check_template(reader, "title", failure.title, set())
    _check_template(reader, "cause", failure.cause, known)
    _check_template(reader, "cure", failure.fix, known)
    _check_template(reader, "command", failure.command or "", known - set(NAMED))
    for name in failure.takes_out:
        _check_template(reader, "takes_out", name, known - set(NAMED) - set(PLACES))


def _check_template(reader: Reader, key: str, template: str, known: set[str]) -> None:
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        reader.problem(key, f"is not a valid template: {error}")
        return
    for name in sorted(fields - known):
        reader.problem(key, f"contains {{{name}}}, which is unknown here")


def _ladder(reader: Reader, name: str) -> Ladder:
    ladder = Ladder(
        name=name,
        because=reader.text("because"),
        source=reader.text("source"),
        rungs=tuple(_rung(rung) for rung in reader.tables("rungs")),
    )
    _check_template(reader, "because", ladder.because, {"flag", "outcome"})
    if len({rung.flag for rung in ladder.rungs}) != len(ladder.rungs):
        reader.problem("rungs", "the same flag appears twice")
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
