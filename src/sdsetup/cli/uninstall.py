"""`sdsetup uninstall`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.rehearse import practice_folder, with_stand_ins
from sdsetup.workflows.session import open_session
from sdsetup.workflows.uninstall import run_uninstall

app = command_app()


@app.command()
def uninstall(
    dir: Dir = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go and change nothing.")] = False,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Uninstall a practice run.")] = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Remove what sdsetup installed; models, images, and your own files stay."""
    session = open_session(command="uninstall", json=json, quiet=quiet, verbose=verbose)
    if not rehearse:
        raise typer.Exit(run_uninstall(session, session.folder(dir), dry_run=dry_run, yes=yes))
    folder = session.folder(dir or practice_folder(session))
    with with_stand_ins(session, "current") as practice:
        raise typer.Exit(run_uninstall(practice, folder, dry_run=dry_run, yes=yes))
