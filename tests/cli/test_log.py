"""The log of each run, in a folder that may hold other things."""

from __future__ import annotations

from pathlib import Path

from sdsetup.machine.real import RealMachine
from sdsetup.workflows import log


def test_only_our_own_old_logs_go(tmp_path: Path) -> None:
    theirs = [tmp_path / name for name in ("a.log", "0.log", "20200101-000000.log", "20200101-000000-Game-1.log")]
    for path in theirs:
        path.write_text("mine")
    for number in range(log.KEPT_LOGS + 5):
        (tmp_path / f"20260101-000000-install-{number:06d}.log").write_text("ours")
    log.start("doctor", RealMachine({"SDSETUP_LOG_DIR": str(tmp_path)}))
    assert all(path.read_text() == "mine" for path in theirs)
    assert len(list(tmp_path.glob("*.log"))) == len(theirs) + log.KEPT_LOGS
