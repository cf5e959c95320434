"""`sdsetup status`."""

from __future__ import annotations

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Rehearse, Verbose, command_app, practiced
from sdsetup.workflows.session import open_session
from sdsetup.workflows.status import run_status

app = command_app()


@app.command()
def status(
    dir: Dir = None,
    rehearse: Rehearse = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List installations with versions and sizes."""
    session = open_session(command="status", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_status(here, folder))
