"""`sdsetup why`: one setting, who set it, why, and what would change without it."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.machine_options import Driver, FactsFile, Gpus, ModelClass, OsName, ProfileName, Ram, Sizes
from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose


def why(
    setting: Annotated[list[str], typer.Argument(metavar="SETTING", help="A flag, a variable, or torch.")],
    dir: Dir = None,
    gpu: Gpus = None,
    vram: Sizes = None,
    os: OsName = None,
    ram: Ram = None,
    driver: Driver = None,
    model_class: ModelClass = "sd15",
    profile: ProfileName = "current",
    facts: FactsFile = None,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say who set a flag, a variable or the torch build, why, and what would change without it."""
    from sdsetup.cli.answering import Question, answer_for, answer_with
    from sdsetup.cli.session import open_session
    from sdsetup.cli.tuning import load_rules
    from sdsetup.decide.tuning.why import explain

    session = open_session(command="why", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
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
    rules = load_rules(session.profiles, profile)
    answer = answer_for(session, question, rules)
    told = explain(
        setting[0],  # "--use-cpu all" is asked for by its name
        answer.tuning,
        rules.known,
        without=lambda rule: answer_with(answer, rules.without(rule)),
        own=answer.own_flags,
    )
    if json:
        from sdsetup.show.document import print_document
        from sdsetup.show.tuning_json import why_json

        print_document(why_json(told))
        return
    from sdsetup.show.tuning_why import show_why

    show_why(told, answer.tuning, answer.facts, session.screen)
