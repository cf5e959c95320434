"""`sdsetup install --rehearse`: the same plan and the same code against small stand-ins on loopback."""

from __future__ import annotations

import sys
from dataclasses import replace

from sdsetup.cli.installing import Wish, run_install
from sdsetup.cli.session import Session
from sdsetup.decide.facts import Facts, Python
from sdsetup.errors import SdsetupError
from sdsetup.text import Text

BANNER = Text("REHEARSAL: small stand-ins from this PC take the place of everything real.")


def rehearse_install(session: Session, wish: Wish) -> int:
    """Run an installation against stand-ins, in a folder of its own; returns the exit code.

    Raises:
        SdsetupError: `git-missing`, or whatever stopped the run.
    """
    from sdsetup.cli.knowledge import tuned
    from sdsetup.cli.tuning import SUBJECTS
    from sdsetup.probe import gather
    from sdsetup.rehearsal.stage import rehearsal
    from sdsetup.storage import cache_folder

    git = session.machine.which("git")
    if git is None:
        raise SdsetupError(
            Text("Git was not found, and the rehearsal uses the real one"),
            hint=Text("Install git first (`sdsetup doctor` names the command), then run the same command again."),
            code="git-missing",
        )
    home = cache_folder(session.machine.env) / "rehearsal"
    wish = replace(wish, dir=wish.dir or home / "webui")
    facts = gather(session.machine, home, subjects=SUBJECTS)
    tuning = tuned(session.profiles, facts, wish.profile)
    card = (tuning.gpu.name or tuning.gpu.vendor) if tuning.gpu and tuning.device not in ("cpu", "none") else None
    with rehearsal(home / "stand-ins", session.profiles, git=git, card=card) as scene:
        return run_install(session.rehearsing(scene.profiles, scene.env, BANNER, with_this_python), wish)


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
