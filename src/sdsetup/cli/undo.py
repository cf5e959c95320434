"""`sdsetup undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Rehearse, Verbose, Yes, command_app, practiced
from sdsetup.workflows.session import open_session
from sdsetup.workflows.undo import list_points, run_undo

app = command_app()


@app.command()
def undo(
    dir: Dir = None,
    show: Annotated[bool, typer.Option("--list", help="List what you can go back to; change nothing.")] = False,
    to: Annotated[
        int, typer.Option("--to", metavar="NUMBER", min=1, help="Go back to this number from --list.")
    ] = 1,
    redo: Annotated[bool, typer.Option("--redo", help="Redo what the last undo took back.")] = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Undo the last change (run again to redo)."""
    session = open_session(command="undo", json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        if show:
            raise typer.Exit(list_points(here, folder))
        raise typer.Exit(run_undo(here, folder, number=to, redo=redo, yes=yes))
