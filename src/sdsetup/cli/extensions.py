"""`sdsetup extensions`: list, check, disable, enable, safe-start, bisect."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Rehearse, Verbose, Yes, command_app, practiced
from sdsetup.workflows import extensions
from sdsetup.workflows.session import open_session

app = command_app(no_args_is_help=True, help="List, check, and switch extensions.")

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Folder names from `extensions list`.")]


@app.command("list")
def list_extensions(
    dir: Dir = None,
    rehearse: Rehearse = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List extensions with state, commit, and address."""
    session = open_session(command="extensions-list", json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(extensions.list_extensions(here, folder, check=False))


@app.command("check")
def check(
    dir: Dir = None,
    rehearse: Rehearse = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find extensions whose packages conflict with the web UI."""
    session = open_session(command="extensions-check", json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(extensions.list_extensions(here, folder, check=True))


@app.command("disable")
def disable(
    names: Names,
    dir: Dir = None,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn extensions off; their files stay."""
    session = open_session(command="extensions-disable", json=json, quiet=quiet)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(extensions.switch(here, tuple(names), folder, off=True, yes=yes))


@app.command("enable")
def enable(
    names: Names,
    dir: Dir = None,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn extensions back on."""
    session = open_session(command="extensions-enable", json=json, quiet=quiet)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(extensions.switch(here, tuple(names), folder, off=False, yes=yes))


@app.command("safe-start")
def safe_start(
    dir: Dir = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Show the address but don't open a browser.")
    ] = False,
    rehearse: Rehearse = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Start the web UI once without extensions."""
    session = open_session(command="extensions-safe-start", quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(extensions.safe_start(here, folder, browser=not no_browser))


@app.command("bisect")
def bisect(
    dir: Dir = None,
    rehearse: Rehearse = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the extension that keeps the web UI from starting."""
    session = open_session(command="extensions-bisect", json=json, quiet=quiet, verbose=verbose)
    with practiced(session, dir, rehearse=rehearse) as (here, folder):
        raise typer.Exit(extensions.bisect(here, folder, yes=yes))
