"""Small installations for tests: a folder that looks like one, with the stand-in in the web UI's place."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import venv
from pathlib import Path
from typing import Any

import psutil

from sdsetup.catalog.failures import FailureBook, parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.execute.context import Context
from sdsetup.machine.real import RealMachine
from sdsetup.values.events import Event

HERE = Path(__file__).parent
LOGS = HERE / "samples" / "logs"
WINDOWS = os.name == "nt"


def failure_book() -> FailureBook:
    return parse_failures(Profiles().raw("failures"), "failures.toml")


def installation(root: Path, *, flags: str = "", env: dict[str, str] | None = None, **scenario: Any) -> Path:
    """Make one in `root`; `flags` and `env` go into its launch file, the rest into its scenario."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "standin" / "launch.py", root / "launch.py")
    (root / "testlib").mkdir(exist_ok=True)
    shutil.copy(HERE / "png.py", root / "testlib" / "png.py")
    play(root, **scenario)
    if WINDOWS:
        venv.create(root / "venv", with_pip=False)
        lines = [f"set {name}={value}" for name, value in (env or {}).items()]
        text = "\r\n".join(["@echo off", *lines, f"set COMMANDLINE_ARGS={flags}", "call webui.bat", ""])
        (root / "webui-user.bat").write_bytes(text.encode())
    else:
        (root / "venv" / "bin").mkdir(parents=True, exist_ok=True)
        # Not a link: through a link the interpreter would take this environment for its own.
        (root / "venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (root / "venv" / "bin" / "python").chmod(0o755)
        lines = [f'export {name}="{value}"' for name, value in (env or {}).items()]
        (root / "webui-user.sh").write_text(
            "\n".join(["#!/bin/bash", *lines, f"export COMMANDLINE_ARGS='{flags}'", ""])
        )
    return root


def play(root: Path, **scenario: Any) -> None:
    (root / "scenario.json").write_text(json.dumps(scenario), encoding="utf-8")


def starts(root: Path) -> list[dict[str, Any]]:
    """What each start was given."""
    text = (root / "given.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def context(root: Path, said: list[Event] | None = None, env: dict[str, str] | None = None) -> Context:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMMANDLINE")} | (env or {})
    return Context(
        dir=root,
        tools=root.parent / "tools",
        cache=root.parent / "cache",
        machine=RealMachine(environment),
        listen=(lambda event: said.append(event)) if said is not None else (lambda event: None),
    )


def gone(pid: int, patience: float = 20.0) -> bool:
    """Whether a process has ended, or does so in time (seconds). A zombie is waiting for its parent only."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
