"""`sdsetup shortcut`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Rehearse, Verbose, Yes, command_app, practiced
from sdsetup.workflows.session import open_session
from sdsetup.workflows.shortcut import run_shortcut

app = command_app()


@app.command()
def shortcut(
    dir: Dir = None,
    desktop: Annotated[bool, typer.Option("--desktop", help="Put it on the desktop, not in the menu.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove all shortcuts of this installation.")] = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Start the web UI from the menu or desktop."""
    session = open_session(command="shortcut", json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        at = here.folder(folder)
        raise typer.Exit(run_shortcut(here, at, place="desktop" if desktop else "menu", remove=remove, yes=yes))
