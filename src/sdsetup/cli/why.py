"""`sdsetup why`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

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
from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Rehearse, Verbose, command_app, practiced
from sdsetup.workflows.session import open_session
from sdsetup.workflows.tune import run_why

app = command_app()


# What it explains looks like an option of its own: `sdsetup why --medvram`.
@app.command(context_settings={"ignore_unknown_options": True})
def why(
    setting: Annotated[
        list[str], typer.Argument(metavar="SETTING", help="A flag, an environment variable, or torch.")
    ],
    dir: Dir = None,
    gpu: Gpus = None,
    vram: Sizes = None,
    os: OsName = None,
    ram: Ram = None,
    driver: Driver = None,
    model_class: ModelClass = "sd15",
    profile: ProfileName = "current",
    facts: FactsFile = None,
    rehearse: Rehearse = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Explain a setting: who set it, why, and what changes without it."""
    session = open_session(command="why", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    options = machine_options(gpu, vram, os, ram, driver, model_class, facts, dir)
    # "--use-cpu all" is asked for by its name.
    with practiced(session, dir, rehearse=rehearse, profile=profile) as (here, folder):
        raise typer.Exit(run_why(here, setting[0], replace(options, dir=folder), profile=profile))
