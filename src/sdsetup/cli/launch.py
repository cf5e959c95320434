"""`sdsetup launch`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Profiles, Quiet, Verbose, command_app
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def launch(
    dir: Dir = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Show the address, open no browser.")] = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Start the web UI; Ctrl-C ends it."""
    session = open_session(command="launch", profiles=profiles, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_launch(session, session.folder(dir), browser=not no_browser))
