"""`sdsetup extensions`: list, check, disable, enable, safe-start, bisect."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Verbose, Yes, command_app
from sdsetup.workflows import extensions
from sdsetup.workflows.session import open_session

app = command_app(no_args_is_help=True, help="List and check extensions, and find the one that breaks the web UI.")

Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Folder names, as `extensions list` shows them.")
]


@app.command("list")
def list_extensions(dir: Dir = None, json: Json = False, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """List extensions with state, commit, and address."""
    session = open_session(command="extensions-list", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(extensions.list_extensions(session, dir, check=False))


@app.command("check")
def check(dir: Dir = None, json: Json = False, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Find extensions that ask for package versions the web UI can't use."""
    session = open_session(command="extensions-check", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(extensions.list_extensions(session, dir, check=True))


@app.command("disable")
def disable(names: Names, dir: Dir = None, yes: Yes = False, json: Json = False, quiet: Quiet = False) -> None:
    """Turn extensions off in the web UI's settings; their files stay."""
    session = open_session(command="extensions-disable", json=json, quiet=quiet)
    raise typer.Exit(extensions.switch(session, tuple(names), dir, off=True, yes=yes))


@app.command("enable")
def enable(names: Names, dir: Dir = None, yes: Yes = False, json: Json = False, quiet: Quiet = False) -> None:
    """Turn extensions on again."""
    session = open_session(command="extensions-enable", json=json, quiet=quiet)
    raise typer.Exit(extensions.switch(session, tuple(names), dir, off=False, yes=yes))


@app.command("safe-start")
def safe_start(
    dir: Dir = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Show the address, open no browser.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Start the web UI once without extensions."""
    session = open_session(command="extensions-safe-start", quiet=quiet, verbose=verbose)
    raise typer.Exit(extensions.safe_start(session, dir, browser=not no_browser))


@app.command("bisect")
def bisect(
    dir: Dir = None, yes: Yes = False, json: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Find the extension that keeps the web UI from starting."""
    session = open_session(command="extensions-bisect", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(extensions.bisect(session, dir, yes=yes))
