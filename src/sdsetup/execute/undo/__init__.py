"""Steps back: code, environment and settings as they were before a change of an installation.

A step back is prepared beside what is there, and begins when its `plan.json` is written: from then on every move
can be done again, so that a run that is cut off at any moment is finished by the next one. An update is put into
place by the same moves. The newest point lies in `undo`, older ones in `undo.past`.
"""

from sdsetup.execute.undo.moves import bring_back, finish, go_on_to, interrupted
from sdsetup.execute.undo.points import (
    KEPT_POINTS,
    changed_nothing,
    changing,
    keep_staged,
    point,
    points,
    stage,
)

__all__ = [
    "KEPT_POINTS",
    "bring_back",
    "changed_nothing",
    "changing",
    "finish",
    "go_on_to",
    "interrupted",
    "keep_staged",
    "point",
    "points",
    "stage",
]
