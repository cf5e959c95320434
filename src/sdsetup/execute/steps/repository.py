"""The web UI's own repositories below `repositories/`, each at the commit it asks for."""

from __future__ import annotations

from typing import Any

from sdsetup.execute.context import Context
from sdsetup.execute.git import clone_at
from sdsetup.execute.inside import inside
from sdsetup.values.plan import CloneRepository


def clone(action: CloneRepository, context: Context) -> dict[str, Any]:
    """Bring one repository; a half-made one is made again, changes of the user are kept aside.

    Returns:
        `{"commit", "url", "kept"}`: `url` is None where it was whole already.

    Raises:
        SdsetupError: when no address has it; what `inside` refuses.
    """
    target = inside(f"repositories/{action.name}", context.dir)
    done = clone_at(action.urls, target, action.commit, None, False, context)
    return {"commit": done.commit, "url": done.url, "kept": None if done.kept is None else str(done.kept)}
