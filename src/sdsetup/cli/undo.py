"""`sdsetup undo`."""

from __future__ import annotations

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.session import open_session
from sdsetup.workflows.undo import run_undo

app = command_app()


@app.command()
def undo(
    dir: Dir = None, yes: Yes = False, json: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Bring back the settings and the environment of before the last change; again to go forward."""
    session = open_session(command="undo", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_undo(session, dir, yes=yes))
