"""Options that several commands share, each declared once, and what all commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from sdsetup.errors import UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.workflows.session import Session


Dir = Annotated[
    Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
    typer.Option("--dir", metavar="FOLDER", help="Install folder.", show_default=False),
]
Deep = Annotated[
    bool,
    typer.Option("--deep", help="Read and check every file (takes minutes)."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON to stdout (messages go to stderr)."),
]
KitKey = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--kit-key",
        metavar="KEY",
        help="Public key (or its file) the kit must be signed with.",
        show_default=False,
    ),
]
Profiles = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--profiles",
        metavar="FOLDER",
        envvar="SDSETUP_PROFILES",
        help="Folder whose files override the built-in profiles.",
        show_default=False,
        show_envvar=True,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show only results and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show all details.")]
Rehearse = Annotated[bool, typer.Option("--rehearse", help="Use the practice installation, with stand-ins.")]
JsonLines = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON line per event (--dry-run: the plan)."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question (for scripts).")]


def command_app(**settings: Any) -> typer.Typer:
    """One command, or one group of them. Plain help: Rich markup costs eight times the start of Python."""
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **settings)


def not_together(one: str, other: str) -> UsageError:
    return UsageError(
        Text("{one} and {other} can't be combined", one=one, other=other),
        hint=Text("Leave one of them out."),
        code="options-clash",
    )


@contextmanager
def practiced(
    session: Session, dir: Path | None, *, rehearse: bool, profile: str = "current"
) -> Iterator[tuple[Session, Path | None]]:
    """The session and the folder to work with; with `rehearse`, stand-ins take the place of the world, and the
    folder is that of `install --rehearse` unless one is named.

    Raises:
        SdsetupError: `git-missing`.
    """
    if not rehearse:
        yield session, dir
        return
    # The stand-ins are much code that no other run needs.
    from sdsetup.workflows.rehearse import practice_folder, with_stand_ins

    folder = session.folder(dir or practice_folder(session))
    with with_stand_ins(session, profile, folder) as practice:
        yield practice, folder
