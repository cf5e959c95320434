"""The search for what breaks a start: the right answer, in few starts, whoever is guilty."""

from __future__ import annotations

import itertools

import pytest

from sdsetup.decide.bisection import BisectionResult, most_starts, search

NAMES = tuple("abcdefgh")


def found(names: tuple[str, ...], guilty: tuple[str, ...], *, broken: bool = False) -> tuple[BisectionResult, int]:
    """The answer where `guilty` break the start, or (`broken`) something else does; and the number of starts."""
    searching, starts = search(names), 0
    on = next(searching)
    while True:
        starts += 1
        try:
            on = searching.send(broken or bool(set(on) & set(guilty)))
        except StopIteration as done:
            return done.value, starts


@pytest.mark.parametrize("guilty", NAMES)
def test_one_of_eight_in_four_starts(guilty: str) -> None:
    verdict, starts = found(NAMES, (guilty,))
    assert verdict == BisectionResult(guilty=(guilty,))
    assert starts <= 4 == most_starts(8)


@pytest.mark.parametrize("count", range(1, 12))
def test_any_number_any_place(count: int) -> None:
    names = tuple("abcdefghijkl"[:count])
    for guilty in names:
        verdict, starts = found(names, (guilty,))
        assert verdict.guilty == (guilty,)
        assert starts <= most_starts(count)
    for pair in itertools.combinations(names, 2):
        assert set(found(names, pair)[0].guilty) == set(pair)


@pytest.mark.parametrize("count", range(1, 12))
def test_none_guilty_or_something_else(count: int) -> None:
    names = tuple("abcdefghijkl"[:count])
    assert found(names, ())[0] == BisectionResult(none_breaks=True)
    assert found(names, (), broken=True)[0] == BisectionResult(not_extensions=True)
