"""`sdsetup uninstall` and `sdsetup clean`: what we made goes, what is the user's stays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.execute.folders import file_problems
from sdsetup.execute.kept import size_of
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.outside_installations import caches, own_environment, remove_outside, set_aside, tools
from sdsetup.execute.removal import freed, listing, ours_at_all, remove, remove_own_folder
from sdsetup.execute.shortcut import shortcuts_of
from sdsetup.execute.undo import finish
from sdsetup.execute.webui.process import refuse_running
from sdsetup.show.document import print_document
from sdsetup.show.removal import (
    removal_json,
    show_clean,
    show_nothing_to_remove,
    show_removal,
    show_removed,
)
from sdsetup.storage import data_folder
from sdsetup.text import Text
from sdsetup.values.layout import PRACTICE_MARK
from sdsetup.values.removal import Item, Removal
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.registry import forget, remembered
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.uninstall/1"
CLEAN_SCHEMA = "sdsetup.clean/1"


def run_uninstall(session: Session, folder: Path, *, dry_run: bool, yes: bool) -> int:
    """The whole of `sdsetup uninstall`; returns the exit code. Half done it goes on; done, it says so.

    Raises:
        SdsetupError: `webui-running`, `folder-real`; the cause when something could not be removed.
    """
    context = session.context(folder)
    if session.practising and ours_at_all(context) and not (context.state / PRACTICE_MARK).is_file():
        raise SdsetupError(
            Text("No practice run in this folder"),
            where=folder,
            hint=Text("Remove --rehearse to uninstall it."),
            code="folder-real",
        )
    with folder_lock(folder, context.cache, waiting=session.screen.line):
        removal = listing(context)
        outside = (*_shortcuts(session, folder), *_outside(session, folder)) if removal.goes else ()
        frees = freed((*removal.goes, *(item for item in outside if item.why is None)))
        if not removal.goes:
            if not dry_run:
                remove_own_folder(context)  # a run that was cut off came that far
            return _nothing(session, removal)
        if not session.json and (dry_run or not session.quiet):
            show_removal(removal, outside, frees, session.screen)
        if dry_run:
            return _told(session, removal, outside, frees, done=False)
        consent(session, yes=yes, dry_run=True)
        refuse_running(context)
        if finish(context):  # a half-done undo decides where an environment lies
            removal = listing(context)
        remove(context, removal)
    _remove_outside(outside)
    forget(session.machine, folder)
    if not session.json:
        show_removed(removal, session.screen)
    return _told(session, removal, outside, frees, done=True)


def run_clean(session: Session, *, kept: bool, own: bool, dry_run: bool, yes: bool) -> int:
    """The whole of `sdsetup clean`; returns the exit code.

    `kept`: also what earlier changes set aside in the installations; `own`: also sdsetup's own environment.

    Raises:
        SdsetupError: the cause when something could not be removed.
    """
    folders = [Path(entry.dir) for entry in remembered(session.machine)]
    items = [*caches(session.cache, folders), *tools(session.machine, folders if _listed(session) else None)]
    named = Text("kept unless you add --set-aside")
    items += [item if kept else _staying(item, named) for item in set_aside(folders)]
    named = Text("kept unless you add --self")
    items += [item if own else _staying(item, named) for item in own_environment(session.machine)]
    goes = [item for item in items if item.why is None]
    stays = [item for item in items if item.why is not None]
    frees = freed(goes)
    if not session.json:
        show_clean(items, frees, session.screen)
        if not goes:
            session.screen.line(Text("Nothing to clean."))
    if goes and not dry_run:
        consent(session, yes=yes, dry_run=True)
        _remove_outside(goes)
        if not session.json:
            session.screen.line(Text("{mark} Done.", mark=session.screen.mark("ok")), "ok")
    if session.json:
        done = bool(goes) and not dry_run
        print_document(removal_json(CLEAN_SCHEMA, None, goes, stays, frees=frees, done=done))
    return EXIT_DONE


def _staying(item: Item, why: Text) -> Item:
    return (
        item
        if item.why is not None
        else Item(kind=item.kind, what=item.what, path=item.path, bytes=item.bytes, why=why)
    )


def _outside(session: Session, folder: Path) -> tuple[Item, ...]:
    """What lies outside, where this installation was the last that needs it."""
    if session.practising:
        return ()
    known = [Path(entry.dir) for entry in remembered(session.machine) if not entry.practice]
    others = [one for one in known if not _same(one, folder)]
    there = [one for one in others if one.is_dir()]
    found = (*caches(session.cache, there), *tools(session.machine, others if _listed(session) else None))
    if not others:
        return tuple(found)
    why = Text("other installations use it: {dir}", dir=others[0])
    return tuple(_staying(item, why) for item in found)


def _shortcuts(session: Session, folder: Path) -> Iterator[Item]:
    for path in shortcuts_of(folder, session.machine):
        yield Item(kind="shortcut", what=Text("Shortcut"), path=path, bytes=size_of(path))


def _listed(session: Session) -> bool:
    """Whether there is a list of installations at all: one from before it may stand on what we downloaded."""
    return (data_folder(session.machine.env) / "installations.json").is_file()


def _same(one: Path, other: Path) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _remove_outside(items: Sequence[Item]) -> None:
    goes = [item for item in items if item.why is None]
    if goes:
        with file_problems(goes[0].path, Text("Not everything could be removed")):
            remove_outside(goes)


def _nothing(session: Session, removal: Removal) -> int:
    forget(session.machine, removal.dir)
    if not session.json:
        show_nothing_to_remove(removal, session.screen)
    return _told(session, removal, (), 0, done=False)


def _told(session: Session, removal: Removal, outside: Sequence[Item], frees: int, *, done: bool) -> int:
    if session.json:
        goes = (*removal.goes, *(item for item in outside if item.why is None))
        stays = (*removal.stays, *(item for item in outside if item.why is not None))
        print_document(removal_json(SCHEMA, removal.dir, goes, stays, frees=frees, done=done))
    return EXIT_DONE
