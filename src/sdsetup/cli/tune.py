"""`sdsetup tune`: the settings for this card, or for one that you think of, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes

if TYPE_CHECKING:
    from sdsetup.cli.session import Session
    from sdsetup.cli.tuning import Rules
    from sdsetup.decide.facts import Facts
    from sdsetup.decide.tuning.values import Tuning

# Typer evaluates annotations on 3.10 too, where `X | None` is no option type.
Names = Optional[list[str]]  # noqa: UP045
Sizes = Optional[list[float]]  # noqa: UP045
Words = Optional[str]  # noqa: UP045
Size = Optional[float]  # noqa: UP045
File = Optional[Path]  # noqa: UP045


@dataclass(frozen=True, kw_only=True)
class Question:
    """The machine that a tuning is wanted for, as the options put it."""

    gpu: tuple[str, ...] = ()
    vram: tuple[float, ...] = ()
    os: str | None = None
    ram: float | None = None
    driver: str | None = None
    model_class: str = "sd15"
    facts: Path | None = None
    dir: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`folder` holds the launch file that the answer is about; None where it is about no folder of ours."""

    facts: Facts
    tuning: Tuning
    folder: Path | None


def tune(
    dir: Dir = None,
    gpu: Annotated[
        Names,
        typer.Option("--gpu", metavar="NAME", help="Suppose this card; repeat for several.", show_default=False),
    ] = None,
    vram: Annotated[
        Sizes,
        typer.Option("--vram", metavar="GIB", help="Suppose this much card memory; one for each --gpu.", min=0.1),
    ] = None,
    os: Annotated[
        Words,
        typer.Option("--os", metavar="NAME", help="Suppose windows, linux, macos or wsl.", show_default=False),
    ] = None,
    ram: Annotated[
        Size, typer.Option("--ram", metavar="GIB", help="Suppose this much system memory.", min=0.1)
    ] = None,
    driver: Annotated[
        Words, typer.Option("--driver", metavar="VERSION", help="Suppose this NVIDIA driver.", show_default=False)
    ] = None,
    model_class: Annotated[
        str, typer.Option("--model-class", metavar="CLASS", help="What you make pictures with: sd15 or sdxl.")
    ] = "sd15",
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Rules to follow.")] = "current",
    compare: Annotated[
        Words,
        typer.Option("--compare", metavar="NAME", help="Show another profile beside it.", show_default=False),
    ] = None,
    facts: Annotated[
        File,
        typer.Option(
            "--facts", metavar="FILE", help="Answer for a machine that was reported.", show_default=False
        ),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the launch file.")] = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Choose launch flags, variables and torch build for a card, each with its reason."""
    from sdsetup.cli.session import open_session

    session = open_session(command="tune", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    question = Question(
        gpu=tuple(gpu or ()),
        vram=tuple(vram or ()),
        os=os,
        ram=ram,
        driver=driver,
        model_class=model_class,
        facts=facts,
        dir=dir,
    )
    raise typer.Exit(_tune(session, question, profile=profile, compare=compare, apply=apply, yes=yes))


def _tune(
    session: Session, question: Question, *, profile: str, compare: str | None, apply: bool, yes: bool
) -> int:
    from sdsetup.cli.tuning import load_rules

    rules = load_rules(session.profiles, profile)
    answer = answer_for(session, question, rules)
    other = load_rules(session.profiles, compare) if compare else None
    if session.json and not apply:
        _print(answer, question, other)
    elif not session.json:
        _show(session, answer, question, other)
    if not apply:
        return 0
    from sdsetup.cli.applying import apply_tuning
    from sdsetup.cli.folders import chosen_folder

    folder = answer.folder or chosen_folder(session, question.dir)
    return apply_tuning(session, folder, answer.tuning, yes=yes)


def answer_for(session: Session, question: Question, rules: Rules) -> Answer:
    """Look at this machine (or at what was reported), put the suppositions in, and tune.

    Raises:
        UsageError: an option that cannot be meant.
        SdsetupError: a report that cannot be read.
    """
    from sdsetup.cli.facts import read_facts
    from sdsetup.cli.tuning import look, named_cards
    from sdsetup.decide.tuning.engine import tune as decide
    from sdsetup.decide.tuning.what_if import WhatIf, pair, suppose

    _check(question)
    cards, sizes = named_cards(session, rules.gpus, question.gpu, question.vram)
    what_if = WhatIf(
        cards=pair(cards, sizes),
        os=question.os,  # type: ignore[arg-type]  # checked above
        ram_gib=question.ram,
        driver=question.driver,
    )
    if question.facts is not None:
        facts, folder = read_facts(question.facts), None
    else:
        facts, folder = look(session, question.dir, here=not what_if.elsewhere)
    facts = suppose(facts, what_if)
    tuning = decide(
        facts,
        rules.profile,
        rules.gpus,
        rules.builds,
        model_class=question.model_class,  # type: ignore[arg-type]  # checked above
    )
    return Answer(facts=facts, tuning=tuning, folder=folder)


def _check(question: Question) -> None:
    from sdsetup.decide.tuning.conditions import TEXT_FIELDS
    from sdsetup.decide.versions import parse_version
    from sdsetup.errors import UsageError
    from sdsetup.text import Text

    for option, value, choices in (
        ("--os", question.os, TEXT_FIELDS["os"]),
        ("--model-class", question.model_class, TEXT_FIELDS["model"]),
    ):
        if value is not None and value not in choices:
            raise UsageError(
                Text("{option} {value} is not known", option=option, value=value),
                code="option-value",
                hint=Text("Use one of: {choices}.", choices=", ".join(choices)),
            )
    if question.driver is not None and parse_version(question.driver) is None:
        raise UsageError(
            Text("{value} is no driver version", value=question.driver),
            code="option-value",
            hint=Text("Write it as nvidia-smi does, for example --driver 551.52."),
        )


def _print(answer: Answer, question: Question, other: Rules | None) -> None:
    from sdsetup.decide.tuning.compare import compare
    from sdsetup.show.document import print_document
    from sdsetup.show.tuning_json import comparison_json, tuning_json

    document = tuning_json(answer.tuning, answer.facts, launcher_text(answer, question))
    if other is not None:
        theirs = answer_with(answer, other, question)
        document["compare"] = comparison_json(theirs, compare(answer.tuning, theirs))
    print_document(document)


def _show(session: Session, answer: Answer, question: Question, other: Rules | None) -> None:
    from sdsetup.decide.tuning.compare import compare
    from sdsetup.show.tuning import show_comparison, show_tuning

    if other is not None:
        theirs = answer_with(answer, other, question)
        show_comparison(answer.tuning, theirs, compare(answer.tuning, theirs), session.screen)
        return
    show_tuning(answer.tuning, answer.facts, launcher_text(answer, question), session.screen)


def answer_with(answer: Answer, other: Rules, question: Question) -> Tuning:
    """The same machine and the same card by another profile."""
    from sdsetup.decide.tuning.engine import tune as decide

    return decide(
        answer.facts,
        other.profile,
        other.gpus,
        other.builds,
        model_class=question.model_class,  # type: ignore[arg-type]  # checked in `answer_for`
        chosen_gpu=answer.tuning.gpu,
    )


def launcher_text(answer: Answer, question: Question) -> str:
    """The launch file as `--apply` would leave it: the person's own, if the answer is about this machine."""
    from sdsetup.decide.launcher import FILE_NAMES, Kind, Settings, merge

    kind: Kind = "bat" if answer.facts.system.family == "windows" else "sh"
    existing = None
    if question.dir is not None and answer.folder is not None:
        try:
            existing = (answer.folder / FILE_NAMES[kind]).read_bytes()
        except OSError:
            existing = None
    code_page = answer.facts.system.oem_code_page
    encoding = f"cp{code_page}" if code_page else None
    settings = Settings(flags=answer.tuning.flags, env=answer.tuning.env)
    merged = merge(kind, existing, settings, oem_encoding=encoding)
    return merged.decode((encoding or "utf-8") if kind == "bat" else "utf-8", errors="replace")
