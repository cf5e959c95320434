"""Every file call of every changing command fails once, with a full disk, a refusal, a broken drive or a kill.

Nothing of the person's changes, the exit code is one of 0, 1, 2 and 130, no traceback is seen, and the same
command ends whole afterwards. SDSETUP_TEST_FAULTS=all fails every call in every way; otherwise a share of them,
the same ones each time (SDSETUP_TEST_SEED chooses others).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest
from bench import COMMANDS, Command, Run, chosen, count, fail
from practice import Practice, failing_calls, served_model

# The calls are intercepted by a library that is loaded into every process: glibc's way.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD"),
]
_AT_ONCE = 2


@pytest.fixture(scope="module")
def practices(tmp_path_factory: pytest.TempPathFactory) -> list[Practice]:
    root = tmp_path_factory.mktemp("faults")
    library = failing_calls(root)
    if library is None:
        pytest.skip("no C compiler is here to make the library with")
    made = [Practice(root / f"home{number}", library) for number in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(Practice.make, made))
    return made


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with served_model(tmp_path_factory.mktemp("served")) as folder:
        yield folder


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_call(command: Command, practices: list[Practice], profiles: Path, done: list[Run]) -> None:
    calls = count(command, practices[0], profiles)
    assert calls, "no call was counted: the library is not at work"
    free: SimpleQueue[Practice] = SimpleQueue()
    for practice in practices:
        free.put(practice)

    def one(pair: tuple[int, int | str]) -> Run:
        practice = free.get()
        try:
            return fail(command, practice, profiles, *pair)
        finally:
            free.put(practice)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        runs = list(pool.map(one, chosen(command, calls)))
    done += runs
    faulty = [run for run in runs if run.faults]
    report = "\n".join(f"{run}\n{run.said[-1500:]}" for run in faulty[:5])
    assert not faulty, f"{len(faulty)} of {len(runs)} runs are not clean\n" + "\n".join(map(str, faulty)) + report
