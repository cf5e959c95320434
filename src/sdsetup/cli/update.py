"""`sdsetup update`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Rehearse, Verbose, Yes, command_app, practiced
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
    extensions: Annotated[bool, typer.Option("--extensions", help="Also update extensions.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")] = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Update the web UI; the new version is tested before it replaces the old one."""
    session = open_session(command="update", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(
            run_update(here, here.folder(folder), to=to, extensions=extensions, dry_run=dry_run, yes=yes)
        )
