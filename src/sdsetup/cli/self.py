"""`sdsetup self`: update, command."""

from __future__ import annotations

from typing import Annotated

import typer

from sdsetup.cli.options import Json, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.workflows.self_command import run_self_command
from sdsetup.workflows.self_update import run_self_update
from sdsetup.workflows.session import open_session

app = command_app(no_args_is_help=True, help="Update sdsetup, or add its command to PATH.")


@app.command("update")
def update(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Update sdsetup, or show the command that does it."""
    session = open_session(command="self-update", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_self_update(session, dry_run=dry_run, yes=yes))


@app.command("command")
def command(
    remove: Annotated[bool, typer.Option("--remove", help="Remove the command again.")] = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the sdsetup command work in every terminal."""
    session = open_session(command="self-command", json=json, quiet=quiet)
    raise typer.Exit(run_self_command(session, remove=remove, yes=yes))
