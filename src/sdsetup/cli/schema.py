"""`sdsetup schema`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from sdsetup.cli.options import command_app
from sdsetup.workflows.schema import run_schema

app = command_app()


@app.command()
def schema(
    name: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Argument(metavar="NAME", help="A document: doctor, tune, plan, ... Default: list all."),
    ] = None,
) -> None:
    """Print the JSON Schema of a --json document."""
    raise typer.Exit(run_schema(name))
