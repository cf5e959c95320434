"""`sdsetup undo`: back to how it was before a change, and forward again."""

from __future__ import annotations

from pathlib import Path

from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.kept import kept_things
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.own_files import set_damaged_aside
from sdsetup.execute.undo import bring_back, point, points
from sdsetup.show.document import print_document
from sdsetup.show.undo import points_json, show_kept, show_point, show_points, show_undone, undone_json
from sdsetup.text import Text
from sdsetup.values.undo_point import Point
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.session import Session


def run_undo(session: Session, dir: Path | None, *, number: int = 1, redo: bool = False, yes: bool) -> int:
    """The whole of `sdsetup undo`; returns the exit code. `number`: which point, the newest is 1.

    Raises:
        SdsetupError: there is nothing to go back to, or it cannot be brought back; `nothing-to-redo`.
    """
    context = session.context(session.folder(dir))
    with folder_lock(context.dir, context.cache, waiting=session.screen.line):
        for said in set_damaged_aside(context.state):
            session.screen.line(said, "warn")
        former = point(context, number)
        if redo:
            _refuse_no_undo(context, former)
        if former is not None:
            if not session.json and not session.quiet:
                show_point(former, session.screen)
            consent(session, yes=yes)
        elif number != 1:
            raise SdsetupError(
                Text("No undo point {number}", number=number),
                where=context.dir,
                hint=Text("See the undo points: sdsetup undo --list"),
                code="no-such-point",
            )
        elif not session.json and not session.quiet:
            show_kept(kept_things(context.dir), session.screen)
        back = bring_back(context, number)
    kept = kept_things(context.dir)
    if session.json:
        print_document(undone_json(back, context.dir, kept))
    else:
        show_undone(back, session.screen)
        if not session.quiet:
            show_kept(kept, session.screen)
    return EXIT_DONE


def list_points(session: Session, dir: Path | None) -> int:
    """`sdsetup undo --list`: everything that can be gone back to, with date, reason and size."""
    context = session.context(session.folder(dir))
    found, kept = points(context), kept_things(context.dir)
    if session.json:
        print_document(points_json(found, context.dir, kept))
    else:
        show_points(found, context.dir, session.screen)
        show_kept(kept, session.screen)
    return EXIT_DONE


def _refuse_no_undo(context: Context, former: Point | None) -> None:
    if former is None or former.reason != "undo":
        raise SdsetupError(
            Text("Nothing to redo"),
            where=context.dir,
            why=Text("the last change was not an undo"),
            hint=Text("See the undo points: sdsetup undo --list"),
            code="nothing-to-redo",
        )
