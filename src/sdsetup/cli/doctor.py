"""`sdsetup doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Deep, Dir, Json, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.doctor import run_doctor
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def doctor(
    dir: Dir = None,
    json: Json = False,
    facts: Annotated[
        Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option("--facts", metavar="FILE", help="Judge the machine of a report instead.", show_default=False),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Carry out the cures that need no administrator.")] = False,
    deep: Deep = False,
    yes: Yes = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Look at this PC: what is well, what is in the way, and one cure for each."""
    session = open_session(command="doctor", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_doctor(session, dir, facts_file=facts, fix=fix, yes=yes, deep=deep))
