"""`sdsetup fleet`: summary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdsetup.cli.options import Json, Profiles, Quiet, Verbose, command_app
from sdsetup.workflows.fleet import run_summary
from sdsetup.workflows.session import named_path, open_session

app = command_app(no_args_is_help=True, help="Compare the checks of many PCs in one table.")


@app.callback()
def fleet() -> None:
    """Without it, Typer would make a program with one command lose that command's name."""


@app.command("summary")
def summary(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES...", help="Output files of `doctor --json`, or their folder."),
    ],
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show many PCs in one table, problems first."""
    session = open_session(command="fleet-summary", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_summary(session, [named_path(file) for file in files]))
