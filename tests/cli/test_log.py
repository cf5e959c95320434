"""The log of each run, in a folder that may hold other things."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sdsetup.machine.real import RealMachine
from sdsetup.workflows import log


def test_only_our_own_old_logs_go(tmp_path: Path) -> None:
    theirs = [tmp_path / name for name in ("a.log", "0.log", "20200101-000000.log", "20200101-000000-Game-1.log")]
    for path in theirs:
        path.write_text("mine")
    for number in range(log.KEPT_LOGS + 5):
        (tmp_path / f"20260101-000000-install-{number:06d}.log").write_text("ours\nthe run ended well\n")
    log.start("doctor", RealMachine({"SDSETUP_LOG_DIR": str(tmp_path)}))
    assert all(path.read_text() == "mine" for path in theirs)
    assert len(list(tmp_path.glob("*.log"))) == len(theirs) + log.KEPT_LOGS


def test_a_failed_run_s_log_stays_for_a_month_and_one_that_was_cut_off_too(tmp_path: Path) -> None:
    for number in range(log.KEPT_LOGS + 5):
        path = tmp_path / f"20260201-000000-install-{number:06d}.log"
        path.write_text("INFO the run ended well\n")
    fresh, old = tmp_path / "20260101-000000-install-000001.log", tmp_path / "20260101-000000-install-000002.log"
    for path, days in ((fresh, 1), (old, log.KEPT_FAILED_DAYS + 1)):
        path.write_text("ERROR disk-full")
        at = time.time() - days * 86400
        os.utime(path, (at, at))
    log.start("install", RealMachine({"SDSETUP_LOG_DIR": str(tmp_path)}))
    assert fresh.exists()
    assert not old.exists()


def test_a_command_that_only_looks_leaves_no_log(tmp_path: Path) -> None:
    env = {**os.environ, "SDSETUP_LOG_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2] / "src")}

    def run(*words: str) -> tuple[int, list[str]]:
        done = subprocess.run([sys.executable, "-m", "sdsetup", *words], env=env, capture_output=True, text=True)
        return done.returncode, [path.name.split("-")[2] for path in tmp_path.glob("*.log")]

    assert run("status", "--json") == (0, [])
    assert run("tune", "--vram", "8", "--json") == (0, [])
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"system": {"family": "linux", "bits": 32}}))
    assert run("doctor", "--facts", str(facts), "--json") == (1, [])  # a finding is no error
    facts.write_text("no facts")
    assert run("doctor", "--facts", str(facts), "--json") == (1, ["doctor"])
    assert run("launch", "--dir", str(tmp_path / "none"))[1].count("launch") == 1
