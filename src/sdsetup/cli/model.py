"""`sdsetup model`: list, get, check, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Rehearse, Verbose, Yes, command_app, practiced
from sdsetup.workflows import model
from sdsetup.workflows.session import open_session

app = command_app(
    no_args_is_help=True,
    help="List, download, verify, and import models.",
)


@app.command("list")
def list_models(
    dir: Dir = None,
    rehearse: Rehearse = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List models you can download by name."""
    session = open_session(command="model-list", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(model.list_models(here, folder))


@app.command("get")
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name from `model list`, or owner/repository:file.")
    ],
    dir: Dir = None,
    limit_rate: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--limit-rate",
            metavar="RATE",
            help="Limit download speed, for example 500k or 2M.",
            show_default=False,
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Download even if this PC has a copy.")] = False,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download a model and check its SHA-256."""
    rate = model.parse_rate(limit_rate)
    session = open_session(command="model-get", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(model.get_model(here, name, folder, limit_rate=rate, fresh=fresh, yes=yes))


@app.command("check")
def check(
    dir: Dir = None,
    rehearse: Rehearse = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check every model file for damage and malware."""
    session = open_session(command="model-check", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(model.check_models(here, folder))


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model file on this PC.")],
    dir: Dir = None,
    name: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option("--as", metavar="NAME", help="File name in the model folder.", show_default=False),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the file instead of linking to it.")] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Accept a .ckpt file after scanning it.")
    ] = False,
    trust: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--trust",
            metavar="NAME",
            help="With --allow-pickle: allow this call; repeatable.",
            show_default=False,
        ),
    ] = None,
    rehearse: Rehearse = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Add a model file you already have."""
    session = open_session(command="model-import", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(
            model.import_model(
                here, file, folder, name=name, allow_pickle=allow_pickle, trust=trust or (), copy=copy
            )
        )
