"""A path below a folder, judged by its name and by where it really leads."""

from __future__ import annotations

import os
from pathlib import Path

from sdsetup.catalog.names import NameProblem, path_problem
from sdsetup.errors import SdsetupError
from sdsetup.text import Text

_CODES = {"outside": "target-outside", "name": "bad-file-name", "long": "path-too-long"}
_MODELS = "models"
_LONGEST_SHOWN = 100
_HINT = Text("Use letters, digits, spaces, dots, and dashes, with forward slashes between folders.")


def inside(name: str, folder: Path, *, hint: Text = _HINT) -> Path:
    """`folder` with a relative path (forward slashes) joined onto it. `hint`: what to do about a bad name.

    A link may stand for `models`, or for one kind of them: many people keep those on another drive. No other
    link on the way may lead out.

    Raises:
        SdsetupError: `target-outside`, `bad-file-name`, `path-too-long`.
    """
    problem = path_problem(name)
    if problem is not None:
        raise refused(name, problem, hint=hint)
    parts = name.split("/")
    target = folder.joinpath(*parts)
    shared = min(2, len(parts) - 1) if parts[0] == _MODELS else 0
    anchor = folder.joinpath(*parts[:shared])
    if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(anchor)):
        raise SdsetupError(
            Text("A link in this folder points outside it"),
            where=target.parent,
            why=Text("it points to {place}", place=os.path.realpath(target.parent)),
            code="target-outside",
            hint=Text("Replace the link with a folder, or choose another name."),
        )
    return target


def refused(name: str, problem: NameProblem, *, hint: Text = _HINT) -> SdsetupError:
    """The error for a name that the judge refused."""
    shown = repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}..."
    return SdsetupError(
        Text("{name} can't be used as a file name here", name=shown),
        why=problem.said,
        code=_CODES[problem.kind],
        hint=hint,
    )
