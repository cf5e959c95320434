"""`sdsetup kit`: make, check, key."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Json, KitKey, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.cli.signing import checking_key, key_of
from sdsetup.workflows.kit import run_check, run_make
from sdsetup.workflows.kit_key import run_key
from sdsetup.workflows.kit_targets import KitRequest
from sdsetup.workflows.rehearse import with_stand_ins
from sdsetup.workflows.session import named_path, open_session

app = command_app(no_args_is_help=True, help="Prepare an installation for other or offline PCs.")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The kit's folder.")]


@app.command("make")
def make(
    folder: Folder,
    systems: Annotated[
        Optional[list[str]],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--for", metavar="SYSTEM", help="windows, linux, or macos; can be repeated.", show_default=False
        ),
    ] = None,
    gpu: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--gpu", metavar="NAME", help="A graphics card, or none; can be repeated.", show_default=False
        ),
    ] = None,
    model: Annotated[
        list[str], typer.Option("--model", metavar="NAME", help="A model, or none; can be repeated.")
    ] = ["sd15"],  # noqa: B006 - Typer takes a copy of it
    python: Annotated[bool, typer.Option("--python/--no-python", help="Include Python for the web UI.")] = True,
    program: Annotated[bool, typer.Option("--program/--no-program", help="Include sdsetup itself.")] = True,
    sign: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--sign", metavar="KEYFILE", help="Sign the kit with this key (`sdsetup kit key`).", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Practice run: make a small kit of stand-ins.")
    ] = False,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Tuning profile.")] = "current",
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download everything an installation needs (run again to add more)."""
    session = open_session(command="kit-make", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    request = KitRequest(
        systems=tuple(systems or ()),
        gpus=tuple(gpu or ()),
        models=tuple(name for name in model if name != "none"),
        python=python and not rehearse,
        program=program,
        profile=profile,
    )
    key = key_of(sign)
    with ExitStack() as stack:
        if rehearse:
            session = stack.enter_context(with_stand_ins(session, profile))
        raise typer.Exit(run_make(session, named_path(folder), request, key=key, yes=yes, dry_run=dry_run))


@app.command("check")
def check(
    folder: Folder,
    kit_key: KitKey = None,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare every file of a kit with its list."""
    session = open_session(command="kit-check", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_check(session, named_path(folder), checking_key(kit_key)))


@app.command("key")
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The private key; FILE.pub is the public one.")],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a pair of keys: one to sign kits with, and one to check them with."""
    session = open_session(command="kit-key", json=json, quiet=quiet)
    raise typer.Exit(run_key(session, named_path(file)))
