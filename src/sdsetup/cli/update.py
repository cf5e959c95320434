"""`sdsetup update`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.rehearse import practice_folder, with_stand_ins
from sdsetup.workflows.session import open_session
from sdsetup.workflows.update import run_update

app = command_app()


@app.command()
def update(
    dir: Dir = None,
    to: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option("--to", metavar="REF", help="A tag, branch, or commit of the web UI.", show_default=False),
    ] = None,
    extensions: Annotated[bool, typer.Option("--extensions", help="Also bring extensions up to date.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Update a practice run.")] = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Update the web UI: tested beside the present version first, and undone by itself if it fails."""
    session = open_session(command="update", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    if not rehearse:
        folder = session.folder(dir)
        raise typer.Exit(run_update(session, folder, to=to, extensions=extensions, dry_run=dry_run, yes=yes))
    folder = session.folder(dir or practice_folder(session))
    with with_stand_ins(session, "current") as practice:
        raise typer.Exit(run_update(practice, folder, to=to, extensions=extensions, dry_run=dry_run, yes=yes))
