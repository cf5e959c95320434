"""`sdsetup tune`."""

from __future__ import annotations

from dataclasses import replace
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
from sdsetup.cli.options import (
    Dir,
    Json,
    Profiles,
    Quiet,
    Rehearse,
    Verbose,
    Yes,
    command_app,
    not_together,
    practiced,
)
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
        typer.Option("--compare", metavar="NAME", help="Compare with another tuning profile.", show_default=False),
    ] = None,
    facts: FactsFile = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the settings into the launch file.")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="With --apply: even if you described another PC.")
    ] = False,
    without: Annotated[
        Optional[list[str]],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--without",
            metavar="NAME",
            help="Take a flag or variable out of the launch file.",
            show_default=False,
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Time the settings on this card; keep the fastest.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="With --measure: ignore earlier measurements.")] = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Choose settings for a graphics card, and say why."""
    session = open_session(command="tune", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    options = machine_options(gpu, vram, os, ram, driver, model_class, facts, dir)
    if measure and (apply or compare):
        raise not_together("--measure", "--apply" if apply else "--compare")
    with practiced(session, dir, rehearse=rehearse, profile=profile) as (here, folder):
        options = replace(options, dir=folder)
        if measure:
            # It starts the web UI and pulls in everything for that, which choosing by rules does not need.
            from sdsetup.workflows.measure import run_measure

            raise typer.Exit(run_measure(here, options, profile=profile, yes=yes, again=again))
        raise typer.Exit(
            run_tune(
                here,
                options,
                profile=profile,
                other=compare,
                apply=apply,
                anyway=anyway,
                without=tuple(map(_setting, without or ())),
                yes=yes,
            )
        )


def _setting(typed: str) -> str:
    """A flag's or variable's name as people type it: "device-id", "--device-id", "TORCH_COMMAND", "no_proxy"."""
    return typed if typed.isupper() or "_" in typed or not typed[:1].isalnum() else f"--{typed}"
