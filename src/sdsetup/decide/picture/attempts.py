"""Attempts at the test image, what to change between them, and what to keep in the end.

What there is to try comes from the ladders of `profiles/failures/`, from light to heavy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sdsetup.catalog.failures import FailureBook, Ladder, Rung, Trouble
from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.decide.startup import ModelClass
from sdsetup.text import Text
from sdsetup.values.tuning import Reason

Outcome = Literal["good", "black", "constant", "nan-vae", "nan-unet", "out-of-memory", "failed", "slow", "died"]

_SAID: dict[str, Text] = {
    "black": Text("The image was black."),
    "constant": Text("The image was a single color."),
    "nan-vae": Text("The image broke in the last step (NaN values)."),
    "nan-unet": Text("The image broke while it was being created (NaN values)."),
    "out-of-memory": Text("The graphics card ran out of video memory."),
    "good": Text("The web UI had to repair the image."),
}
_TROUBLE: dict[str, Trouble] = {
    "black": "picture",
    "constant": "picture",
    "nan-vae": "vae",
    "nan-unet": "unet",
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One start of the web UI and one image. Seconds and bytes; None: not reached, or not known.

    `nan_repaired`: the web UI itself met NaN and went on in full precision.
    """

    flags: tuple[str, ...]  # one string per flag, value included
    outcome: Outcome
    start_seconds: float | None = None
    model_seconds: float | None = None
    picture_seconds: float | None = None
    peak_bytes: int | None = None
    memory: Literal["vram", "ram"] | None = None
    model_class: ModelClass | None = None
    picture: str | None = None  # path of the file
    nan_repaired: bool = False
    diagnosis: Diagnosis | None = None
    log: str | None = None

    @property
    def good(self) -> bool:
        return self.outcome == "good"

    def to_json(self) -> dict[str, Any]:
        return {
            "flags": list(self.flags),
            "outcome": self.outcome,
            "start_seconds": self.start_seconds,
            "model_seconds": self.model_seconds,
            "picture_seconds": self.picture_seconds,
            "peak_bytes": self.peak_bytes,
            "memory": self.memory,
            "picture": self.picture,
            "diagnosis": self.diagnosis.to_json() if self.diagnosis else None,
            "log": self.log,
        }


@dataclass(frozen=True, kw_only=True)
class FlagChange:
    """A flag to add for the next attempt and what it replaces; `outcome` tells how the last one ended."""

    rung: Rung
    ladder: Ladder
    outcome: Text


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The result. `added` and `dropped` (names) are how the flags that worked differ from the first ones."""

    attempts: tuple[Attempt, ...]
    kept: Attempt
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.added or self.dropped)

    @property
    def picture(self) -> str | None:
        """The file's path."""
        return self.kept.picture

    @property
    def seconds(self) -> float | None:
        """What the image alone took."""
        return self.kept.picture_seconds

    def result(self) -> dict[str, Any]:
        """For the journal and for JSON."""
        return {
            **{key: value for key, value in self.kept.to_json().items() if key not in ("outcome", "diagnosis")},
            "added": list(self.added),
            "dropped": list(self.dropped),
            "reasons": [
                {"setting": one.setting, "rule": one.rule, "because": str(one.because), "source": one.source}
                for one in self.reasons
            ],
            "attempts": [attempt.to_json() for attempt in self.attempts],
        }


def next_change(attempts: Sequence[Attempt], book: FailureBook) -> FlagChange | None:
    """What to change after these attempts, None when nothing is left that could help.

    Each rung is tried at most once, so this ends after as many attempts as there are rungs, and one.
    """
    last = attempts[-1]
    tried = {_name(flag) for attempt in attempts for flag in attempt.flags}
    ladder, trouble = book.precision, _TROUBLE.get(last.outcome)
    if last.outcome == "out-of-memory":
        ladder, trouble = book.memory, last.model_class  # of an unknown model every rung may help
    elif last.good and last.nan_repaired:
        trouble = "vae"
    elif trouble is None:
        return None
    for rung in ladder.rungs:
        above = {_name(drop) for one in ladder.rungs if one.flag in last.flags for drop in one.drops}
        if rung.flag in tried or rung.flag in above or not (trouble is None or trouble in rung.troubles):
            continue
        if last.good and len(rung.drops) > 1:
            return None  # a repair of seconds is not worth full precision everywhere
        return FlagChange(rung=rung, ladder=ladder, outcome=_SAID[last.outcome])
    return None


def changed_flags(flags: Sequence[str], rung: Rung) -> tuple[str, ...]:
    """The flags with a rung set: what it drops is gone, the rest keeps its order."""
    kept = (flag for flag in flags if flag != rung.flag and not any(_is(flag, drop) for drop in rung.drops))
    return (*kept, rung.flag)


def proof_of(attempts: Sequence[Attempt], changes: Sequence[FlagChange]) -> Proof | None:
    """The last good attempt and what it takes to get there; None when none was good.

    `changes[n]` is what was changed between attempt n and n + 1.
    """
    good = [n for n, attempt in enumerate(attempts) if attempt.good]
    if not good:
        return None
    first, kept = attempts[0], attempts[good[-1]]
    added = tuple(flag for flag in kept.flags if flag not in first.flags)
    names = {_name(flag) for flag in kept.flags}
    return Proof(
        attempts=tuple(attempts),
        kept=kept,
        added=added,
        dropped=tuple(dict.fromkeys(_name(flag) for flag in first.flags if _name(flag) not in names)),
        reasons=tuple(
            Reason(
                setting=change.rung.flag,
                rule=f"picture.{change.ladder.name}",
                because=Text(change.ladder.because, flag=change.rung.flag, outcome=change.outcome),
                source=change.ladder.source,
            )
            for change in changes[: good[-1]]
            if change.rung.flag in added
        ),
    )


def _is(flag: str, drop: str) -> bool:
    """Whether a flag is the one to drop: by its name, or by name and value where a value is given."""
    return flag.replace("=", " ", 1) == drop or (" " not in drop and _name(flag) == drop)


def _name(flag: str) -> str:
    return re.split(r"[ =]", flag, maxsplit=1)[0]
