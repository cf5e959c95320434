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
        typer.Argument(metavar="NAME", help="Of which document: doctor, tune, plan, ... All names without it."),
    ] = None,
) -> None:
    """Print the JSON Schema of a document that --json prints."""
    raise typer.Exit(run_schema(name))
