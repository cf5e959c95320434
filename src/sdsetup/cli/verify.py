"""`sdsetup verify`."""

from __future__ import annotations

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, command_app
from sdsetup.workflows.session import open_session
from sdsetup.workflows.verify import run_verify

app = command_app()


@app.command()
def verify(
    dir: Dir = None,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Prove the installation with one small picture; settings that it needed are kept."""
    session = open_session(command="verify", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_verify(session, session.folder(dir)))
