"""The whole installation, as a person would run it, against the stand-ins: from nothing, again, killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("SDSETUP_TEST_KILLS", "20"))


class Rehearsal:
    """One rehearsal in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.cache = home / "cache"
        self.dir = self.cache / "rehearsal" / "webui"
        self.ledger = self.cache / "rehearsal" / "stand-ins" / "served.jsonl"
        self.part = self.dir / "models" / "Stable-diffusion" / "model.safetensors.part"
        names = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG")
        self.env = {name: os.environ[name] for name in names if name in os.environ}
        self.env |= {"HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "SDSETUP_CACHE_DIR": str(self.cache)}
        self.env |= {"SDSETUP_DATA_DIR": str(home / "data"), "SDSETUP_LOG_DIR": str(home / "log")}

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "sdsetup", "install", "--rehearse", "--yes", *more]

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*more),
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def kill_after(self, seconds: float) -> bool:
        """Start it and kill it; whether it was still running then."""
        child = subprocess.Popen(
            self.command(), env=self.env, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            return True
        assert child.returncode == 0
        return False

    def transfers(self) -> list[dict[str, int]]:
        """Pieces of the model that were sent, in order."""
        if not self.ledger.is_file():
            return []
        lines = [json.loads(line) for line in self.ledger.read_text().splitlines()]
        return [line for line in lines if line["file"] == "files/model.safetensors"]

    def assert_whole(self) -> None:
        head = subprocess.run(
            ["git", "-C", str(self.dir), "status", "--porcelain"], capture_output=True, text=True, check=True
        )
        # The launch file is a tracked file of the web UI that everybody edits; nothing else may differ.
        assert {line[3:] for line in head.stdout.splitlines()} <= {"webui-user.sh", "webui-user.bat"}
        model = self.dir / "models" / "Stable-diffusion" / "model.safetensors"
        stand_in = self.cache / "rehearsal" / "stand-ins" / "files" / "model.safetensors"
        assert model.read_bytes() == stand_in.read_bytes()
        assert not self.part.exists()
        for name in ("BLIP", "k-diffusion", "generative-models", "stable-diffusion-stability-ai"):
            assert (self.dir / "repositories" / name / "README.md").is_file()
        assert "--" in (self.dir / ("webui-user.bat" if os.name == "nt" else "webui-user.sh")).read_text()
        journal = json.loads((self.dir / ".sdsetup" / "journal.json").read_text())
        assert {"webui", "environment", "model", "torch", "check", "picture"} <= set(journal["steps"])
        assert list((self.dir / ".sdsetup" / "proof").glob("*.png"))


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path)


def test_from_nothing_to_a_picture_and_again_without_a_change(rehearsal: Rehearsal) -> None:
    first = rehearsal.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "REHEARSAL" in first.stdout
    rehearsal.assert_whole()
    before = {path: path.stat().st_mtime_ns for path in rehearsal.dir.rglob("*") if path.is_file()}
    sent = len(rehearsal.transfers())
    second = rehearsal.run()
    assert second.returncode == 0, second.stdout + second.stderr
    assert "nothing was changed" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in rehearsal.dir.rglob("*") if path.is_file()} == before
    assert len(rehearsal.transfers()) == sent


def test_a_dry_run_changes_nothing_and_says_everything(rehearsal: Rehearsal) -> None:
    done = rehearsal.run("--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["schema"] == "sdsetup.plan/1"
    assert [step["id"] for step in plan["steps"]][:2] == ["webui", "repository:stable-diffusion-webui-assets"]
    assert {"id", "title", "detail", "bytes", "state", "because"} <= set(plan["steps"][0])
    assert plan["bytes"] > 24 * 2**20
    assert not rehearsal.dir.exists()


def test_a_run_for_programs_prints_one_object_a_line(rehearsal: Rehearsal) -> None:
    done = rehearsal.run("--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "done", "ok": True}
    assert {"started", "progress", "finished"} <= {event["event"] for event in events}
    assert any(event["event"] == "progress" and event["step"] == "model" and event["total"] for event in events)


@pytest.mark.timeout(400)
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_at_random_moments_it_always_ends_whole(rehearsal: Rehearsal) -> None:
    dice = random.Random(os.environ.get("SDSETUP_TEST_SEED", "2026"))
    for _ in range(KILLS):
        held = rehearsal.part.stat().st_size if rehearsal.part.exists() else 0
        sent = len(rehearsal.transfers())
        killed = rehearsal.kill_after(dice.uniform(0.2, 3.0))
        fresh = rehearsal.transfers()[sent:]
        # What lay on the disk when the run began is not asked for again.
        assert all(piece["from"] >= held for piece in fresh), (held, fresh[0])
        if not killed:
            shutil.rmtree(rehearsal.dir)
    last = rehearsal.run()
    assert last.returncode == 0, last.stdout + last.stderr
    rehearsal.assert_whole()
