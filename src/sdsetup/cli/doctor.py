"""`sdsetup doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import (
    Deep,
    Dir,
    Json,
    Profiles,
    Quiet,
    Rehearse,
    Verbose,
    Yes,
    command_app,
    not_together,
    practiced,
)
from sdsetup.workflows.doctor import run_doctor
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def doctor(
    dir: Dir = None,
    json: Json = False,
    facts: Annotated[
        Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--facts", metavar="FILE", help="Check the PC described in this report instead.", show_default=False
        ),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Apply fixes that don't need administrator rights.")] = False,
    deep: Deep = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check this PC and suggest fixes."""
    session = open_session(command="doctor", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    if rehearse and facts is not None:
        raise not_together("--rehearse", "--facts")
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_doctor(here, folder, facts_file=facts, fix=fix, yes=yes, deep=deep))
