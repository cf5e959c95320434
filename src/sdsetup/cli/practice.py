"""`--rehearse`, as most commands have it: the same work on the practice installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdsetup.workflows.session import Session


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
