"""One step lighter, after a card ran out of memory or gave a black image."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.picture.attempts import Attempt, FlagChange, changed_flags, next_change
from sdsetup.text import Text
from sdsetup.values.tuning import Reason, Tuning

Cause = Literal["oom", "black"]


def step_down(tuning: Tuning, cause: Cause, book: FailureBook) -> Tuning | None:
    """The tuning with the next rung of the ladder of memory or precision; None at its end.

    The ladders are the ones that the test image uses, so that use and installation teach the same lesson.
    """
    attempt = Attempt(
        flags=tuning.flags,
        outcome="out-of-memory" if cause == "oom" else "black",
        model_class="sdxl" if tuning.model_class == "sdxl" else "sd15",
    )
    change = next_change((attempt,), book)
    if change is None:
        return None
    flags = changed_flags(tuning.flags, change.rung)
    kept = tuple(
        reason for reason in tuning.reasons if reason.setting in flags or not reason.setting.startswith("--")
    )
    return replace(tuning, flags=flags, reasons=(*kept, _reason(cause, change)))


def _reason(cause: Cause, change: FlagChange) -> Reason:
    because = {
        "oom": Text("Without {flag}, this card ran out of video memory", flag=change.rung.flag),
        "black": Text("Without {flag}, the image was black", flag=change.rung.flag),
    }[cause]
    return Reason(
        setting=change.rung.flag, rule=f"step-down/{cause}", because=because, source=change.ladder.source
    )
