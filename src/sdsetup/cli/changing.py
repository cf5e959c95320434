"""A new card: what is different, and the one plan that makes the installation fit it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session

if TYPE_CHECKING:
    from sdsetup.cli.answering import Answer
    from sdsetup.decide.fingerprint import Change


def card_changes(answer: Answer) -> tuple[Change, ...]:
    """How this machine's card differs from the one that the installation was made for."""
    from sdsetup.decide.fingerprint import changed, of_card

    recorded = answer.facts.recorded
    if answer.supposed or recorded is None or answer.tuning.gpu is None:
        return ()
    changes = changed(recorded, of_card(answer.tuning.gpu))
    return changes if any(change.what in ("card", "vram") for change in changes) else ()


def change_card(session: Session, folder: Path, *, profile: str, yes: bool) -> int:
    """Rebuild what the new card needs: environment, launch file, proofs. Models, pictures, extensions and
    the person's own flags stay. Returns the exit code.

    Raises:
        SdsetupError: what stopped it; the former state can be brought back with `sdsetup undo`.
    """
    from sdsetup.cli.installing import Wish, run_install

    return run_install(session, Wish(dir=folder, model=None, profile=profile, yes=yes))
