"""`sdsetup status`."""

from __future__ import annotations

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, command_app
from sdsetup.workflows.session import open_session
from sdsetup.workflows.status import run_status

app = command_app()


@app.command()
def status(
    dir: Dir = None, json: Json = False, profiles: Profiles = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Say which installations there are, what each is made of and how large it is, and what lies outside."""
    session = open_session(command="status", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_status(session, dir))
