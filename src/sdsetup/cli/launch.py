"""`sdsetup launch`."""

from __future__ import annotations

import atexit
from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Profiles, Quiet, Rehearse, Verbose, command_app, practiced
from sdsetup.cli.windows_program import wait_for_enter
from sdsetup.workflows.launch import run_launch
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def launch(
    dir: Dir = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Show the address but don't open a browser.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for Enter at the end, as a shortcut does.")] = False,
    rehearse: Rehearse = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Start the web UI (Ctrl-C stops it)."""
    if wait:  # after everything has been said, an error too
        atexit.register(wait_for_enter)
    session = open_session(command="launch", profiles=profiles, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_launch(here, here.folder(folder), browser=not no_browser))
