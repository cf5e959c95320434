"""`sdsetup verify`."""

from __future__ import annotations

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Rehearse, Verbose, command_app, practiced
from sdsetup.workflows.session import open_session
from sdsetup.workflows.verify import run_verify

app = command_app()


@app.command()
def verify(
    dir: Dir = None,
    rehearse: Rehearse = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Test the web UI with one image, and keep the settings it needed."""
    session = open_session(command="verify", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_verify(here, here.folder(folder)))
