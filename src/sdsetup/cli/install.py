"""`sdsetup install`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Deep, Dir, Json, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.values.request import Request
from sdsetup.workflows.install import launcher_kinds, run_install
from sdsetup.workflows.rehearse import practice_folder, with_stand_ins
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def install(
    dir: Dir = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    yes: Yes = False,
    json: Json = False,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Which model; `none` downloads none.")
    ] = "sd15",
    ref: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--ref",
            metavar="COMMIT",
            help="Another commit of the web UI, for later runs too; `pinned` goes back.",
            show_default=False,
        ),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="A practice run with small stand-ins, in a folder of its own.")
    ] = False,
    full_history: Annotated[
        bool, typer.Option("--full-history", help="Clone every commit instead of one.")
    ] = False,
    launcher: Annotated[str, typer.Option("--launcher", metavar="KIND", help="auto, bat, sh or both.")] = "auto",
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Prove it with a first picture.")] = True,
    deep: Deep = False,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Tuning profile.")] = "current",
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Install everything: clone, Python, torch, model, launch file, and a first picture that proves it."""
    session = open_session(command="install", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    request = partial(
        Request,
        model=None if model == "none" else model,
        ref=ref,
        launchers=launcher_kinds(session, launcher),
        full_history=full_history,
        picture=picture,
        deep=deep,
    )
    story = partial(run_install, profile=profile, dry_run=dry_run, yes=yes)
    if not rehearse:
        raise typer.Exit(story(session, request(dir=str(session.folder(dir)))))
    folder = session.folder(dir or practice_folder(session))
    with with_stand_ins(session, profile) as practice:
        raise typer.Exit(story(practice, request(dir=str(folder))))
