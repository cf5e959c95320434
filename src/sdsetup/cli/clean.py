"""`sdsetup clean`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Json, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.session import open_session
from sdsetup.workflows.uninstall import run_clean

app = command_app()


@app.command()
def clean(
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Also remove what undo would bring back.")
    ] = False,
    own: Annotated[bool, typer.Option("--self", help="Also remove sdsetup's own environment.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed; change nothing.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Empty caches and remove unused downloads."""
    session = open_session(command="clean", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_clean(session, kept=set_aside, own=own, dry_run=dry_run, yes=yes))
