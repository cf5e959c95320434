"""`sdsetup status`: which installations there are, what each is made of, and what lies outside of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sdsetup import __version__
from sdsetup.errors import EXIT_DONE
from sdsetup.execute.shortcut import shortcuts_of
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.machine.processes import running_web_ui
from sdsetup.probe import default_folder, gather
from sdsetup.probe.folder import state_of
from sdsetup.show.document import print_document
from sdsetup.show.status import InstallationStatus, Outside, Sizes, show_status, status_json
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.installation_entry import InstallationEntry
from sdsetup.values.layout import state_folder
from sdsetup.workflows import log, registry
from sdsetup.workflows.folder_memory import chosen_ref
from sdsetup.workflows.session import Session

_PICTURES = ("outputs", "output", "log/images")  # the web UI's own folders for them (v1.10.1)


def run_status(session: Session, dir: Path | None) -> int:
    """The whole of `sdsetup status`; returns the exit code. Without a folder: every installation that is known."""
    found = tuple(_status(session, entry) for entry in _entries(session, dir))
    outside = tuple(_outside(session))
    if session.json:
        print_document(status_json(found, outside))
    else:
        show_status(found, outside, session.screen)
    return EXIT_DONE


def _entries(session: Session, dir: Path | None) -> list[InstallationEntry]:
    """Those of the list, and one at a usual place that was never in it."""
    known = list(registry.known(session.machine))
    wanted = session.folder(dir) if dir is not None else default_folder(session.machine)
    if dir is not None:
        known = [entry for entry in known if os.path.normcase(entry.dir) == os.path.normcase(wanted)]
    there = {os.path.normcase(entry.dir) for entry in known}
    if os.path.normcase(wanted) not in there and state_of(session.machine, wanted)[0] == "webui":
        known.append(InstallationEntry(dir=str(wanted), first_seen="", last_used=""))
    return known


def _status(session: Session, entry: InstallationEntry) -> InstallationStatus:
    folder = Path(entry.dir)
    facts = gather(session.machine, folder, subjects=("installation",))
    there, recorded = facts.installation, facts.recorded
    running = running_web_ui(folder)
    webui = session.catalog.webui
    python = there.environment_python if there else None
    return InstallationStatus(
        dir=entry.dir,
        practice=entry.practice,
        commit=there.commit if there else None,
        tag=webui.tag if there and there.commit == webui.commit else None,
        branch=there.branch if there else None,
        torch=there.torch if there else None,
        python=".".join(map(str, python)) if python else None,
        card=recorded.card if recorded else None,
        made_here=recorded is not None and recorded.made_here,
        models=there.models if there else (),
        flags=recorded.flags if recorded else (),
        sizes=_sizes(folder, environment_in_use(session.machine, folder)),
        last_start=entry.last_start,
        last_picture=entry.last_picture,
        running=running.ports if running is not None else None,
        unfinished=(state_folder(folder) / "unfinished.json").is_file(),
        shortcuts=tuple(str(path) for path in shortcuts_of(folder, session.machine)),
        outdated=tuple(_outdated(session, facts, folder)),
    )


def _outdated(session: Session, facts: Facts, folder: Path) -> Iterator[Text]:
    there, recorded, webui = facts.installation, facts.recorded, session.catalog.webui
    if there is not None and there.commit not in (None, webui.commit):
        yield (
            Text(
                "the web UI is at version {commit}, which you chose; sdsetup installs {tag}",
                commit=str(there.commit)[:8],
                tag=webui.tag,
            )
            if there.commit == chosen_ref(folder)
            else Text(
                "the web UI is at version {commit}; sdsetup installs {tag}",
                commit=str(there.commit)[:8],
                tag=webui.tag,
            )
        )
    made = dict(recorded.versions).get("sdsetup") if recorded else None
    if made is not None and made != __version__:
        yield Text("it was installed by sdsetup {made}; this is sdsetup {now}", made=made, now=__version__)


def _sizes(folder: Path, environment: Path) -> Sizes:
    """Each part once: a file with two names counts for the first of them."""
    seen: set[tuple[int, int]] = set()
    environment_bytes = _size([environment], seen)
    repositories = _size([folder / "repositories"], seen)
    models = _size([folder / "models"], seen)
    pictures = _size([folder / name for name in _PICTURES], seen)
    kept = _size([state_folder(folder)], seen)
    rest = _size([folder], seen)
    return Sizes(
        environment=environment_bytes,
        repositories=repositories,
        models=models,
        pictures=pictures,
        kept=kept,
        total=environment_bytes + repositories + models + pictures + kept + rest,
    )


def _size(folders: Iterable[Path], seen: set[tuple[int, int]]) -> int:
    """Bytes of all files below, without following links out of the folder; those in `seen` count no more."""
    total, waiting = 0, [str(folder) for folder in folders]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                told = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            # Windows tells no file number in a listing; a file counts twice there at worst.
            known = (told.st_dev, told.st_ino)
            if told.st_ino and known in seen:
                continue
            seen.add(known)
            total += told.st_size
    return total


def _outside(session: Session) -> Iterator[Outside]:
    """Folders of ours that no installation holds, and uv's cache where one of its own is used."""
    env = session.machine.env
    places = {
        "cache": session.cache,
        "tools": session.tools,
        "log": log.log_folder(session.machine),
    }
    if own := env.get("UV_CACHE_DIR"):
        places["packages"] = Path(own)
    for what, path in places.items():
        if path.is_dir():
            yield Outside(what=what, path=str(path), bytes=_size([path], set()))
