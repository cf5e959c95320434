"""`sdsetup undo`: one step back."""

from __future__ import annotations

from pathlib import Path

import typer

from sdsetup.cli.options import Dir, Json, Quiet, Verbose, Yes
from sdsetup.cli.session import Session, open_session


def undo(
    dir: Dir = None, yes: Yes = False, json: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Bring back the settings and the environment of before the last change; again to go forward."""
    session = open_session(command="undo", json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(_undo(session, dir, yes=yes))


def _undo(session: Session, given: Path | None, *, yes: bool) -> int:
    from sdsetup.cli.folders import chosen_folder
    from sdsetup.cli.installing import consent
    from sdsetup.cli.lessons import context_of
    from sdsetup.execute.lock import folder_lock
    from sdsetup.execute.own_files import set_damaged_aside
    from sdsetup.execute.undo import bring_back, point
    from sdsetup.show.undo import show_point, show_undone, undone_json

    context = context_of(session, chosen_folder(session, given))
    with folder_lock(context.dir, context.cache, waiting=session.screen.line):
        for said in set_damaged_aside(context.state):
            session.screen.line(said, "warn")
        former = point(context)
        if former is not None:
            if not session.json and not session.quiet:
                show_point(former, session.screen)
            consent(session, yes=yes)
        back = bring_back(context)
    if session.json:
        from sdsetup.show.document import print_document

        print_document(undone_json(back, context.dir))
    else:
        show_undone(back, session.screen)
    return 0
