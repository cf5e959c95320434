"""Questions asked at the same time, each with a time limit of its own that holds whatever a probe does."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Job(NamedTuple):
    """One question and the longest that it may take."""

    name: str
    limit: float  # seconds
    ask: Callable[[], Any]


class Answer(NamedTuple):
    """`problem` is why there is no value: "timed out after 5 s", "ValueError: ..."."""

    value: Any = None
    problem: str | None = None
    seconds: float = 0.0


SLOW = 3.0  # seconds after which a person wants to know what is being waited for


def side_by_side(
    jobs: Sequence[Job], *, slow: Callable[[tuple[str, ...]], None] | None = None
) -> dict[str, Answer]:
    """Every job's answer, by name. Takes as long as the slowest job, and never longer than its limit.

    `slow` is told once, after `SLOW` seconds, the names of those that have not answered yet.

    The threads are daemons on purpose: one that hangs in a driver is left behind and does not hold the
    program at its end. Programs that it started are ended by `machine.run_once`.
    """
    answers: queue.SimpleQueue[tuple[str, Answer]] = queue.SimpleQueue()
    begun = time.monotonic()
    for job in jobs:
        threading.Thread(target=_run, args=(job, begun, answers), name=job.name, daemon=True).start()
    waiting = {job.name: job.limit for job in jobs}
    found: dict[str, Answer] = {}
    while waiting:
        passed = time.monotonic() - begun
        if slow is not None and passed >= SLOW:
            slow(tuple(waiting))
            slow = None
        left = min([*waiting.values(), *([SLOW] if slow is not None else [])]) - passed
        try:
            name, answer = answers.get(timeout=max(left, 0.0))
        except queue.Empty:
            for name in [name for name, limit in waiting.items() if time.monotonic() - begun >= limit]:
                limit = waiting.pop(name)
                found[name] = Answer(problem=f"timed out after {limit:g} s", seconds=limit)
            continue
        if waiting.pop(name, None) is not None:
            found[name] = answer
    return found


def _run(job: Job, begun: float, answers: queue.SimpleQueue[tuple[str, Answer]]) -> None:
    try:
        value, problem = job.ask(), None
    except Exception as error:  # noqa: BLE001 - the one place where probes are gathered: a crash is an unknown
        value, problem = None, f"{type(error).__name__}: {error}"
    answers.put((job.name, Answer(value=value, problem=problem, seconds=time.monotonic() - begun)))
