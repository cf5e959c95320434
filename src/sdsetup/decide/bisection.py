"""Which extension keeps the web UI from starting: halves are tried until one is left. Pure.

Halving first, proof last: for eight extensions that is three starts and one that proves the answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

# Yields the extensions to switch on for the next start; is sent whether that start broke.
Search = Generator[tuple[str, ...], bool, "BisectionResult"]


@dataclass(frozen=True, kw_only=True)
class BisectionResult:
    """`guilty`: the extensions without which the web UI starts, in the order in which they were found.

    `none_breaks`: it starts with all of them. `not_extensions`: it does not start without any either.
    """

    guilty: tuple[str, ...] = ()
    none_breaks: bool = False
    not_extensions: bool = False


def search(names: tuple[str, ...]) -> Search:
    """Find what breaks the start among `names`."""
    guilty: tuple[str, ...] = ()
    left = names
    while left:
        suspect, seen = yield from _narrowed(left)
        if not seen:
            # Every set without it started, so it is the one, unless nothing breaks at all.
            if not (yield names if not guilty else left):
                return BisectionResult(guilty=guilty, none_breaks=not guilty)
            if len(left) == 1 and not guilty and (yield ()):
                return BisectionResult(not_extensions=True)
            return BisectionResult(guilty=(*guilty, suspect))
        left = tuple(name for name in left if name != suspect)
        if not (yield left):
            return BisectionResult(guilty=(*guilty, suspect))
        if not guilty and left and (yield ()):
            return BisectionResult(not_extensions=True)
        guilty = (*guilty, suspect)
    return BisectionResult(guilty=guilty) if len(names) > 1 else BisectionResult(not_extensions=True)


def _narrowed(names: tuple[str, ...]) -> Generator[tuple[str, ...], bool, tuple[str, bool]]:
    """The one suspect that is left, and whether a start that had it on was seen to break."""
    seen = False
    while len(names) > 1:
        half = names[: (len(names) + 1) // 2]
        if (yield half):
            names, seen = half, True
        else:
            names = names[len(half) :]
    return names[0], seen


def most_starts(count: int) -> int:
    """How many starts it takes where one extension is the cause."""
    return 0 if count == 0 else 2 if count == 1 else (count - 1).bit_length() + 1
