"""The whole installation, as a person would run it, against the stand-ins: from nothing, again, killed."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

import documents

if TYPE_CHECKING:
    from conftest import Rehearsal

KILLS = int(os.environ.get("SDSETUP_TEST_KILLS", "20"))


def test_from_nothing_to_a_picture_and_again_without_a_change(rehearsal: Rehearsal) -> None:
    first = rehearsal.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Practice run" in first.stdout
    assert "Your own" not in first.stdout, "what the practice sets is not the person's"
    rehearsal.assert_whole()
    before = {path: path.stat().st_mtime_ns for path in rehearsal.dir.rglob("*") if path.is_file()}
    sent = len(rehearsal.transfers())
    second = rehearsal.run()
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Nothing was changed" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in rehearsal.dir.rglob("*") if path.is_file()} == before
    assert len(rehearsal.transfers()) == sent
    real = rehearsal.sdsetup("install", "--yes", "--dir", str(rehearsal.dir))
    assert real.returncode == 1
    assert "folder-rehearsal" in real.stderr
    assert len(rehearsal.transfers()) == sent


@pytest.mark.skipif(os.name == "nt", reason="a script as the environment's Python")
def test_an_environment_that_looks_whole_and_does_not_start_is_built_again(rehearsal: Rehearsal) -> None:
    """Looking starts nothing, so only a run that was agreed to can find out, and it says what it will do."""
    assert rehearsal.run().returncode == 0
    python = rehearsal.dir / "venv" / "bin" / "python"
    witness = rehearsal.dir.parent / "witness"
    python.unlink()
    python.write_text(f"#!/bin/sh\n: > '{witness}'\nexit 1\n")
    python.chmod(0o755)
    dry = rehearsal.run("--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert not witness.exists()
    again = rehearsal.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert witness.exists()
    assert "does not start" in again.stdout
    rehearsal.assert_whole()


def test_a_dry_run_changes_nothing_and_says_everything(rehearsal: Rehearsal) -> None:
    done = rehearsal.run("--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan = documents.document(done.stdout)
    assert plan["schema"] == "sdsetup.plan/1"
    assert [step["id"] for step in plan["steps"]][:2] == ["webui", "repository:stable-diffusion-webui-assets"]
    assert {"id", "title", "detail", "bytes", "state", "because"} <= set(plan["steps"][0])
    assert plan["bytes"] > 24 * 2**20
    assert not rehearsal.dir.exists()


def test_a_run_for_programs_prints_one_object_a_line(rehearsal: Rehearsal) -> None:
    done = rehearsal.run("--json")
    assert done.returncode == 0, done.stderr
    events = documents.events(done.stdout)
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
