"""`sdsetup fix`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Rehearse, Verbose, Yes, command_app, practiced
from sdsetup.workflows.fix import run_fix
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def fix(
    log: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Argument(
            metavar="[LOG|-]",
            help="A log file, or - for stdin. Default: the last start's log.",
            show_default=False,
        ),
    ] = None,
    dir: Dir = None,
    os: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--os",
            metavar="NAME",
            help="The log's system: windows, linux, macos, or wsl.",
            show_default=False,
        ),
    ] = None,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find out why the web UI failed, and fix it (with --json: only find out)."""
    session = open_session(command="fix", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_fix(here, log=log, dir=folder, os=os, yes=yes))
