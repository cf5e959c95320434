"""`sdsetup launch`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Profiles, Quiet, Rehearse, Verbose, command_app
from sdsetup.cli.practice import practiced
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def launch(
    dir: Dir = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Show the address but don't open a browser.")
    ] = False,
    rehearse: Rehearse = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Start the web UI (Ctrl-C stops it)."""
    session = open_session(command="launch", profiles=profiles, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_launch(here, here.folder(folder), browser=not no_browser))
