"""How long a plan will still take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.decide.time_left import TimeLeft
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile, Plan, ProvePicture, Step

MB = 10**6


def step(name: str, size: int = 0, *, done: bool = False) -> Step:
    action = (
        FetchFile(name=name, save_as=name, size=size, sha256="0" * 64, sources=())
        if size
        else ProvePicture(width=64, height=64, steps=2, seed=1)
    )
    return Step(
        id=name,
        title=Text(name),
        detail=Text(""),
        action=action,
        bytes=size,
        seconds=1 if size else 80,
        state="done" if done else "todo",
    )


def plan(*steps: Step) -> Plan:
    return Plan(dir="D", steps=steps)


def test_no_time_is_named_before_a_rate_was_measured() -> None:
    left = TimeLeft(plan=plan(step("a", 100 * MB), step("b", 100 * MB)))
    left.started("a", 0)
    assert left.left(0) is None
    left.progressed(0, 100 * MB, 10e6, 1)
    assert left.left(1) == pytest.approx(20 + 2 * 1, abs=3)  # two transfers, and a moment beside each


def test_bytes_that_came_are_not_to_come() -> None:
    left = TimeLeft(plan=plan(step("a", 100 * MB), step("b", 300 * MB)))
    left.started("a", 0)
    left.progressed(50 * MB, 100 * MB, 10e6, 5)
    half = left.left(5) or 0
    left.progressed(100 * MB, 100 * MB, 10e6, 10)
    left.finished("a", 10)
    assert half - (left.left(10) or 0) == pytest.approx(5, abs=2)
    assert left.left(10) == pytest.approx(30, abs=3)


def test_steps_that_are_done_take_no_time() -> None:
    left = TimeLeft(plan=plan(step("a", 500 * MB, done=True), step("b", 100 * MB)))
    left.started("b", 0)
    left.progressed(0, 100 * MB, 10e6, 0)
    assert (left.left(0) or 0) < 15


def test_a_quick_pc_is_told_a_shorter_time() -> None:
    """Two steps of one kind: what the first took says what the second will take."""
    times = {}
    for took in (8.0, 80.0, 240.0):
        left = TimeLeft(plan=plan(step("a"), step("b")))
        left.started("a", 0)
        left.finished("a", took)
        times[took] = left.left(took)
    assert times[8.0] == pytest.approx(10, abs=3)
    assert times[80.0] == pytest.approx(80, abs=3)
    assert times[240.0] == pytest.approx(240, abs=10)


def test_a_step_that_takes_longer_than_expected_is_nearly_done_and_never_negative() -> None:
    left = TimeLeft(plan=plan(step("a")))
    left.started("a", 0)
    assert 0 < (left.left(100_000) or 0) < 20
    assert left.share(100_000) < 1


@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
    rates=st.lists(st.floats(1e4, 1e9), min_size=6, max_size=6),
)
def test_the_bar_never_goes_back_and_ends_full(sizes: list[int], rates: list[float]) -> None:
    steps = [step(f"s{n}", size * MB) for n, size in enumerate(sizes)]
    left, now, shown = TimeLeft(plan=plan(*steps)), 0.0, [0.0]
    for one, rate in zip(steps, rates, strict=False):
        left.started(one.id, now)
        for part in (0, one.bytes // 2, one.bytes):
            now += 1
            if one.bytes:
                left.progressed(part, one.bytes, rate, now)
            shown.append(left.share(now))
        left.finished(one.id, now)
        shown.append(left.share(now))
    assert shown == sorted(shown)
    assert shown[-1] == pytest.approx(1)
    assert left.left(now) == pytest.approx(0)
