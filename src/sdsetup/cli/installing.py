"""What `install`, the wizard and `tune --apply` share: look, decide, show, carry out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session
from sdsetup.decide.facts import Facts
from sdsetup.decide.plan import Plan
from sdsetup.decide.request import LauncherKind, Request
from sdsetup.decide.tuning.values import Tuning
from sdsetup.errors import SdsetupError, UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.events import Listener


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything decided, nothing done."""

    facts: Facts
    request: Request
    tuning: Tuning
    plan: Plan


def launcher_kinds(chosen: str, session: Session) -> tuple[LauncherKind, ...]:
    """Which launch files are written: the platform's own, one by name, or both."""
    own: LauncherKind = "bat" if session.machine.family == "windows" else "sh"
    choices: dict[str, tuple[LauncherKind, ...]] = {
        "auto": (own,),
        "bat": ("bat",),
        "sh": ("sh",),
        "both": ("bat", "sh"),
    }
    if chosen not in choices:
        raise UsageError(
            Text("There is no launch file kind {kind}", kind=chosen),
            hint=Text("Use one of: {kinds}.", kinds=", ".join(choices)),
            code="launcher-unknown",
        )
    return choices[chosen]
