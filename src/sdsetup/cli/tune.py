"""`sdsetup tune`: the settings for this card, or for one that you think of, and why."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from sdsetup.cli.machine_options import Driver, FactsFile, Gpus, ModelClass, OsName, ProfileName, Ram, Sizes
from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes

if TYPE_CHECKING:
    from sdsetup.cli.answering import Answer, Question
    from sdsetup.cli.session import Session
    from sdsetup.decide.tuning.values import Tuning
    from sdsetup.errors import UsageError


def tune(
    dir: Dir = None,
    gpu: Gpus = None,
    vram: Sizes = None,
    os: OsName = None,
    ram: Ram = None,
    driver: Driver = None,
    model_class: ModelClass = "sd15",
    profile: ProfileName = "current",
    compare: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option("--compare", metavar="NAME", help="Show another profile beside it.", show_default=False),
    ] = None,
    facts: FactsFile = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the launch file.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Try the settings on this card, and write what is fastest.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --measure: forget what was measured before.")
    ] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="A practice run on the installation of `install --rehearse`.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Choose launch flags, variables and torch build for a card, each with its reason."""
    from sdsetup.cli.answering import Question
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
    if measure:
        from sdsetup.cli.measuring import run_measure

        if apply or compare:
            raise _not_together("--measure", "--apply" if apply else "--compare")
        carry_out = partial(run_measure, profile=profile, yes=yes, again=again)
    else:
        carry_out = partial(_tune, profile=profile, compare=compare, apply=apply, yes=yes)
    if rehearse:
        from sdsetup.cli.rehearse import rehearsal_folder, rehearsed

        question = replace(question, dir=dir or rehearsal_folder(session))
        with rehearsed(session, profile) as stage:
            raise typer.Exit(carry_out(stage, question))
    raise typer.Exit(carry_out(session, question))


def _not_together(one: str, other: str) -> UsageError:
    from sdsetup.errors import UsageError
    from sdsetup.text import Text

    return UsageError(
        Text("{one} and {other} do not go together", one=one, other=other),
        hint=Text("Leave one of them out; --measure writes what it found when you agree, or with --yes."),
        code="options-clash",
    )


def _tune(
    session: Session, question: Question, *, profile: str, compare: str | None, apply: bool, yes: bool
) -> int:
    from sdsetup.cli.answering import answer_for, answer_with
    from sdsetup.cli.changing import card_changes, change_card
    from sdsetup.cli.folders import chosen_folder
    from sdsetup.cli.tuning import load_rules

    if apply and question.dir is None:  # what is written to is looked at first, whatever card is supposed
        question = replace(question, dir=chosen_folder(session, None))
    rules = load_rules(session.profiles, profile)
    other = load_rules(session.profiles, compare) if compare else None
    answer = answer_for(session, question, rules)
    theirs = answer_with(answer, other) if other is not None else None
    changes = card_changes(answer)
    if not session.json:
        _show(session, answer, theirs, following=apply or (yes and bool(changes)))
    elif not apply:
        _print(answer, theirs)
    if changes and not session.json:
        from sdsetup.show.change import show_change

        show_change(changes, session.screen, dir=answer.folder, carried_out=apply or yes)
    if changes and (apply or yes) and answer.folder is not None:
        return change_card(session, answer.folder, profile=profile, yes=yes)
    if not apply:
        return 0
    from sdsetup.cli.applying import apply_tuning

    folder = answer.folder or chosen_folder(session, question.dir)
    return apply_tuning(session, folder, answer.tuning, yes=yes)


def _print(answer: Answer, theirs: Tuning | None) -> None:
    from sdsetup.cli.answering import launcher_text
    from sdsetup.decide.tuning.compare import compare
    from sdsetup.show.document import print_document
    from sdsetup.show.tuning_json import comparison_json, tuning_json

    document = tuning_json(answer.tuning, answer.facts, launcher_text(answer))
    if theirs is not None:
        document["compare"] = comparison_json(theirs, compare(answer.tuning, theirs))
    print_document(document)


def _show(session: Session, answer: Answer, theirs: Tuning | None, *, following: bool) -> None:
    """`following`: the next step is about to be done, so none is named."""
    from sdsetup.cli.answering import launcher_text
    from sdsetup.decide.tuning.compare import compare
    from sdsetup.show.tuning import show_comparison, show_next, show_tuning

    if theirs is not None:
        show_comparison(answer.tuning, theirs, compare(answer.tuning, theirs), session.screen)
    else:
        show_tuning(answer.tuning, answer.facts, launcher_text(answer), session.screen)
        if not following:
            show_next(answer.tuning, answer.options, session.screen, here=not answer.supposed)
