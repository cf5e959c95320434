"""`sdsetup self`: update."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Json, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.self_update import run_self_update
from sdsetup.workflows.session import open_session

app = command_app(no_args_is_help=True, help="Update sdsetup itself.")


@app.callback()
def own() -> None:
    """Update sdsetup itself."""


@app.command("update")
def update(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done and change nothing.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Update sdsetup, or show the command of the tool that installed it."""
    session = open_session(command="self-update", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_self_update(session, dry_run=dry_run, yes=yes))
