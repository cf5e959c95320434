"""`sdsetup report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Profiles, Quiet, Rehearse, Verbose, command_app, practiced
from sdsetup.workflows.report import run_report
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def report(
    dir: Dir = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--out", metavar="FILE", help="Write it to this file instead of printing it.", show_default=False
        ),
    ] = None,
    sbom: Annotated[
        bool,
        typer.Option("--sbom", help="List all components instead (CycloneDX JSON)."),
    ] = False,
    rehearse: Rehearse = False,
    json: Annotated[bool, typer.Option("--json", help="JSON only, without the summary for people.")] = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Create a support report (no personal data): a summary, then JSON."""
    # The document is what standard output is for; what is said about it goes to standard error.
    session = open_session(command="report", profiles=profiles, json=out is None, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(run_report(here, folder, out=out, sbom=sbom, json_only=json))
