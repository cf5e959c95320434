"""`sdsetup install`."""

from __future__ import annotations

import re
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.cli.options import Deep, Dir, JsonLines, KitKey, Profiles, Quiet, Verbose, Yes, command_app
from sdsetup.cli.signing import checking_key
from sdsetup.errors import UsageError
from sdsetup.text import Text
from sdsetup.values.request import Request
from sdsetup.workflows.install import launcher_kinds, run_install
from sdsetup.workflows.kit_install import with_kit
from sdsetup.workflows.rehearse import practice_folder, with_stand_ins
from sdsetup.workflows.session import open_session

app = command_app()


@app.command()
def install(
    dir: Dir = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")] = False,
    yes: Yes = False,
    json: JsonLines = False,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="A name from `model list`, or none.")
    ] = "sd15",
    ref: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--ref",
            metavar="COMMIT",
            help="A web UI commit, or pinned (the tested one).",
            show_default=False,
        ),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Practice run: small stand-ins, nothing downloaded.")
    ] = False,
    full_history: Annotated[bool, typer.Option("--full-history", help="Clone the full Git history.")] = False,
    launcher: Annotated[
        str, typer.Option("--launcher", metavar="KIND", help="Launch file: auto, bat, sh, or both.")
    ] = "auto",
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Make a test image at the end.")] = True,
    deep: Deep = False,
    kit: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--kit",
            metavar="FOLDER|URL",
            help="Install from this kit; download nothing else.",
            show_default=False,
        ),
    ] = None,
    kit_sha256: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--kit-sha256",
            metavar="SHA256",
            help="The kit's SHA-256, as printed by `kit make`.",
            show_default=False,
        ),
    ] = None,
    kit_key: KitKey = None,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Tuning profile.")] = "current",
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Install the web UI, or repair an installation, and make a test image."""
    session = open_session(command="install", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    request = partial(
        Request,
        model=None if model == "none" else model,
        ref=ref,
        launchers=launcher_kinds(session, launcher),
        full_history=full_history,
        picture=picture,
        deep=deep,
    )
    story = partial(run_install, profile=profile, dry_run=dry_run, yes=yes)
    refuse_clashes(kit, kit_sha256, kit_key, full_history=full_history)
    key = checking_key(kit_key)
    wanted = request(dir=str(session.folder(dir or (practice_folder(session) if rehearse else None))))
    with ExitStack() as stack:
        if rehearse:
            session = stack.enter_context(with_stand_ins(session, profile, Path(wanted.dir)))
        if kit is not None:
            opened = stack.enter_context(with_kit(session, kit, pinned=kit_sha256, key=key))
            raise typer.Exit(story(opened.session, wanted, kit=opened))
        raise typer.Exit(story(session, wanted))


def refuse_clashes(kit: str | None, kit_sha256: str | None, kit_key: str | None, *, full_history: bool) -> None:
    """Nothing, or why these options cannot be meant together.

    Raises:
        UsageError: `options-clash`.
    """
    if kit is not None and full_history:
        raise UsageError(
            Text("--kit and --full-history can't be combined: a kit holds one commit of each repository"),
            hint=Text("Leave one of them out."),
            code="options-clash",
        )
    if kit_sha256 is not None and (kit is None or not re.fullmatch(r"[0-9a-fA-F]{64}", kit_sha256)):
        raise UsageError(
            Text("--kit-sha256 needs --kit and 64 hexadecimal digits"),
            hint=Text("Copy the number that `sdsetup kit make` printed."),
            code="option-value",
        )
    if kit_key is not None and kit is None:
        raise UsageError(
            Text("--kit-key needs --kit"),
            hint=Text("Name the kit too: --kit FOLDER, or leave --kit-key out."),
            code="option-value",
        )
