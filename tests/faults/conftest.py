"""The fault bench's last lines: how many calls were failed, and how many runs were clean."""

from __future__ import annotations

import pytest
from bench import Run

DONE: list[Run] = []


@pytest.fixture
def done() -> list[Run]:
    return DONE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not DONE:
        return
    terminalreporter.section("file calls that failed once")
    for name in dict.fromkeys(run.command for run in DONE):
        runs = [run for run in DONE if run.command == name]
        clean = sum(not run.faults for run in runs)
        terminalreporter.write_line(f"{name}: {len(runs)} runs, {clean} clean")
    terminalreporter.write_line(f"all: {len(DONE)} runs, {sum(not run.faults for run in DONE)} clean")
