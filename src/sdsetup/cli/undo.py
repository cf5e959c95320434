"""`sdsetup undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.session import open_session
from sdsetup.workflows.undo import list_points, run_undo

app = command_app()


@app.command()
def undo(
    dir: Dir = None,
    show: Annotated[
        bool, typer.Option("--list", help="List what you can go back to, and change nothing.")
    ] = False,
    to: Annotated[int, typer.Option("--to", metavar="NUMBER", min=1, help="A number of --list.")] = 1,
    redo: Annotated[bool, typer.Option("--redo", help="Take back the last undo.")] = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Undo the last change of code, environment, and settings (run again to redo)."""
    session = open_session(command="undo", json=json, quiet=quiet, verbose=verbose)
    if show:
        raise typer.Exit(list_points(session, dir))
    raise typer.Exit(run_undo(session, dir, number=to, redo=redo, yes=yes))
