"""`sdsetup fix`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.fix import run_fix
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def fix(
    log: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Argument(
            metavar="[LOG|-]",
            help="A log file, or - for standard input. Without it: the log of the last start.",
            show_default=False,
        ),
    ] = None,
    dir: Dir = None,
    os: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--os",
            metavar="NAME",
            help="Where the log is from, if it doesn't say: windows, linux, macos, or wsl.",
            show_default=False,
        ),
    ] = None,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find out from a log why the web UI failed, and fix it (with --json: only find out)."""
    session = open_session(command="fix", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_fix(session, log=log, dir=dir, os=os, yes=yes))
