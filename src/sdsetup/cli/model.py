"""`sdsetup model`: list, get, check, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.workflows import models
from sdsetup.workflows.session import open_session

app = command_app(
    no_args_is_help=True,
    help="The models: which there are, fetch one, check what lies there, bring your own.",
)


@app.command("list")
def list_models(
    dir: Dir = None, json: Json = False, profiles: Profiles = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """The models that can be fetched by name."""
    session = open_session(command="model-list", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(models.list_models(session, dir))


@app.command("get")
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name of `model list`, or owner/repository:file at the hub.")
    ],
    dir: Dir = None,
    limit_rate: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--limit-rate", metavar="RATE", help="At most so many bytes per second: 500k, 2M.", show_default=False
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Download it even if this computer has the file elsewhere.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fetch a model: continued where it stopped, proved by its SHA-256."""
    rate = models.parse_rate(limit_rate)
    session = open_session(command="model-get", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(models.get_model(session, name, dir, limit_rate=rate, fresh=fresh, yes=yes))


@app.command("check")
def check(
    dir: Dir = None, json: Json = False, profiles: Profiles = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Look at every file in the model folder: whole, damaged, or a danger."""
    session = open_session(command="model-check", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(models.check_models(session, dir))


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model file of your own.")],
    dir: Dir = None,
    name: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option("--as", metavar="NAME", help="Its name in the model folder.", show_default=False),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy it even where a hard link would do.")] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Accept a .ckpt, after it has been scanned.")
    ] = False,
    trust: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--trust",
            metavar="NAME",
            help="With --allow-pickle: accept that it calls this; repeat for several.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Bring a model of your own into the web UI's folder."""
    session = open_session(command="model-import", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(
        models.import_model(session, file, dir, name=name, allow_pickle=allow_pickle, trust=trust or (), copy=copy)
    )
