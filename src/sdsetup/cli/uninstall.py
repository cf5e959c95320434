"""`sdsetup uninstall`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Rehearse, Verbose, Yes, command_app, practiced
from sdsetup.workflows.session import open_session
from sdsetup.workflows.uninstall import run_uninstall

app = command_app()


@app.command()
def uninstall(
    dir: Dir = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed; change nothing.")
    ] = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Remove the web UI; models, images, and your own files stay."""
    session = open_session(command="uninstall", json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_uninstall(here, here.folder(folder), dry_run=dry_run, yes=yes))
