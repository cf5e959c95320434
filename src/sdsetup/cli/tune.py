"""`sdsetup tune`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Optional

import typer

from sdsetup.cli.machine_options import (
    Driver,
    FactsFile,
    Gpus,
    ModelClass,
    OsName,
    ProfileName,
    Ram,
    Sizes,
    machine_options,
)
from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes, command_app, not_together
from sdsetup.workflows.benchmark import run_measure
from sdsetup.workflows.rehearse import practice_folder, with_stand_ins
from sdsetup.workflows.session import open_session
from sdsetup.workflows.tune import run_tune

app = command_app()


@app.command()
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
    anyway: Annotated[
        bool, typer.Option("--anyway", help="With --apply: write settings of a described PC on this one.")
    ] = False,
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
    session = open_session(command="tune", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    options = machine_options(gpu, vram, os, ram, driver, model_class, facts, dir)
    if measure and (apply or compare):
        raise not_together("--measure", "--apply" if apply else "--compare")
    story = (
        partial(run_measure, profile=profile, yes=yes, again=again)
        if measure
        else partial(run_tune, profile=profile, other=compare, apply=apply, anyway=anyway, yes=yes)
    )
    if not rehearse:
        raise typer.Exit(story(session, options))
    with with_stand_ins(session, profile) as practice:
        raise typer.Exit(story(practice, replace(options, dir=dir or practice_folder(session))))
