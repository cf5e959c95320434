"""`sdsetup undo`: one step back."""

from __future__ import annotations

from pathlib import Path

from sdsetup.errors import EXIT_DONE
from sdsetup.execute.kept import kept_things
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.own_files import set_damaged_aside
from sdsetup.execute.undo import bring_back, point
from sdsetup.show.document import print_document
from sdsetup.show.undo import show_kept, show_point, show_undone, undone_json
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.session import Session


def run_undo(session: Session, dir: Path | None, *, yes: bool) -> int:
    """The whole of `sdsetup undo`; returns the exit code.

    Raises:
        SdsetupError: there is nothing to go back to, or it cannot be brought back.
    """
    context = session.context(session.folder(dir))
    with folder_lock(context.dir, context.cache, waiting=session.screen.line):
        for said in set_damaged_aside(context.state):
            session.screen.line(said, "warn")
        former = point(context)
        if former is not None:
            if not session.json and not session.quiet:
                show_point(former, session.screen)
            consent(session, yes=yes)
        elif not session.json and not session.quiet:
            show_kept(kept_things(context.dir), session.screen)
        back = bring_back(context)
    kept = kept_things(context.dir)
    if session.json:
        print_document(undone_json(back, context.dir, kept))
    else:
        show_undone(back, session.screen)
        if not session.quiet:
            show_kept(kept, session.screen)
    return EXIT_DONE
