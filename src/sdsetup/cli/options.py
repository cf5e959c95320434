"""Options that several commands share, each declared once, and what all commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from sdsetup.errors import UsageError
from sdsetup.text import Text

Dir = Annotated[
    Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
    typer.Option("--dir", metavar="FOLDER", help="Installation folder.", show_default=False),
]
Deep = Annotated[
    bool,
    typer.Option("--deep", help="Read every file of the packages and of known models, which takes minutes."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON document on standard output, people's text on standard error."),
]
Profiles = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--profiles",
        metavar="FOLDER",
        envvar="SDSETUP_PROFILES",
        help="Folder laid over the built-in profiles.",
        show_default=False,
        show_envvar=True,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Details, and what is otherwise only in the log.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes; for scripts.")]


def command_app(**settings: Any) -> typer.Typer:
    """One command, or one group of them. Plain help: Rich markup costs eight times the start of Python."""
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **settings)


def not_together(one: str, other: str) -> UsageError:
    return UsageError(
        Text("{one} and {other} do not go together", one=one, other=other),
        hint=Text("Leave one of them out; --measure writes what it found when you agree, or with --yes."),
        code="options-clash",
    )
