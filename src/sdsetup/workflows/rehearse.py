"""`--rehearse`: the same plan and the same code against small stand-ins on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sdsetup.decide.tuning.main_card import main_card
from sdsetup.errors import SdsetupError, file_problem
from sdsetup.execute.caches import claim
from sdsetup.rehearsal.stage import rehearsal
from sdsetup.show.commands import carry_practice
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Python
from sdsetup.workflows.inspect import inspect
from sdsetup.workflows.session import Session

BANNER = Text("Practice run: small stand-in files replace the real downloads.")


def practice_folder(session: Session) -> Path:
    """Where a practice run installs, when nobody says where."""
    return session.cache / "rehearsal" / "webui"


@contextmanager
def with_stand_ins(session: Session, profile: str, folder: Path | None = None) -> Iterator[Session]:
    """The same session with stand-ins in place of the world, while the block lasts. `folder`: the one that it is
    about, whose programs are not to be found by name.

    Raises:
        SdsetupError: `git-missing`.
    """
    carry_practice(practice_folder(session))
    if folder is not None:
        session = replace(session, machine=session.machine.passing_over(folder))
    git = session.machine.which("git")
    if git is None:
        raise SdsetupError(
            Text("Git is required for a practice run and was not found"),
            hint=Text("Install Git, then run the same command again. The command to install it: sdsetup doctor"),
            code="git-missing",
        )
    home = practice_folder(session).parent
    try:
        claim(home.parent)
    except OSError as error:
        raise file_problem(error, home, Text("Can't write to the cache folder")) from error
    gpu = main_card(inspect(session, home, subjects=("system", "gpus", "memory")), session.catalog.rules(profile))
    card = None if gpu is None else gpu.name or gpu.vendor
    with rehearsal(home / "stand-ins", session.catalog, git=git, card=card) as stand_ins:
        yield session.with_stand_ins(stand_ins.catalog, stand_ins.env, BANNER, with_this_python)


def with_this_python(facts: Facts) -> Facts:
    """The stand-ins need no particular Python: the one that runs us will do."""
    version = sys.version_info[:3]
    running = Python(
        path=getattr(sys, "_base_executable", None) or sys.executable,
        version=(version[0], version[1], version[2]),
        bits=64,
        implementation="CPython",
        origin="running",
        can_venv=True,
    )
    return replace(facts, pythons=(running,))
