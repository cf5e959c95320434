"""Killed at random moments, over and over: always whole in the end, and hardly a byte fetched twice.

SDSETUP_KILLS sets the number of kills (200 is the full run, about two minutes).
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from faulty_hub import Exchange, FaultyHub, stall, trickle, whole

SCRIPT = Path(__file__).parent / "fetch_once.py"
KILLS = int(os.environ.get("SDSETUP_KILLS", "12"))


def start(hub: FaultyHub, folder: Path) -> subprocess.Popen[str]:
    digest = hashlib.sha256(hub.content).hexdigest()
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), hub.url + "/file", str(len(hub.content)), digest, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def finish(hub: FaultyHub, folder: Path) -> str:
    out, err = start(hub, folder).communicate(timeout=100)
    assert out.startswith("done"), err
    return out


def test_killed_at_random_moments(tmp_path: Path) -> None:
    content = random.Random(KILLS).randbytes(max(4, KILLS // 8) * 2**20)
    part = tmp_path / "D" / "models" / "model.bin.part"
    target = part.with_name("model.bin")
    dice = random.Random(KILLS + 1)
    hit = 0
    with FaultyHub(content) as hub:
        # Small blocks from a slow server: the file takes longer than all runs before their kill together.
        pace = trickle(block=1024, pause=0.008)
        hub.answer("/file", pace)
        for _ in range(KILLS):
            process = start(hub, tmp_path)
            had = part.stat().st_size if part.exists() else 0
            time.sleep(dice.uniform(0, 0.6))
            process.kill()
            process.communicate()
            assert not target.exists(), "whole too early: the run says nothing"
            hit += (part.stat().st_size if part.exists() else 0) > had
        hub.answer("/file", whole)
        finish(hub, tmp_path)
        assert target.read_bytes() == content
        assert not part.exists()
        assert hit > KILLS / 3, "too few kills met a transfer"
        print(f"{KILLS} kills, {hit} of them while bytes came; served {hub.served / len(content):.4f} of the file")
        assert hub.served / len(content) < 1.05


def test_killed_while_the_disk_is_read_back_and_while_it_is_published(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(24 * 2**20)
    part = tmp_path / "D" / "models" / "model.bin.part"
    part.parent.mkdir(parents=True)
    dice = random.Random(4)
    with FaultyHub(content) as hub:
        hub.answer("/file", whole)
        for _ in range(min(KILLS, 40)):
            target = part.with_name("model.bin")
            target.unlink(missing_ok=True)
            part.write_bytes(content)  # whole but for its name: only reading back, flushing, renaming are left
            process = start(hub, tmp_path)
            time.sleep(dice.uniform(0, 0.15))
            process.kill()
            process.communicate()
            assert not target.exists() or target.read_bytes() == content
        finish(hub, tmp_path)
        assert part.with_name("model.bin").read_bytes() == content
        assert hub.served == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_asked_to_stop_it_stops_at_once_and_keeps_the_part(tmp_path: Path, name: str) -> None:
    content = random.Random(5).randbytes(2**20)
    with FaultyHub(content) as hub:
        hub.answer("/file", stall(2**19), whole)
        process = start(hub, tmp_path)
        part = tmp_path / "D" / "models" / "model.bin.part"
        _until(lambda: part.exists() and part.stat().st_size == 2**19)
        began = time.monotonic()
        process.send_signal(getattr(signal, name))
        process.communicate(timeout=20)
        assert time.monotonic() - began < 10
        assert process.returncode != 0
        assert part.stat().st_size == 2**19
        finish(hub, tmp_path)
        assert hub.served == len(content)


def test_a_lock_of_a_killed_run_holds_nobody_up(tmp_path: Path) -> None:
    content = random.Random(6).randbytes(2**20)
    with FaultyHub(content) as hub:
        hub.answer("/file", stall(2**19, seconds=60), whole)
        first = start(hub, tmp_path)
        part = tmp_path / "D" / "models" / "model.bin.part"
        _until(lambda: part.exists() and part.stat().st_size == 2**19)
        second = start(hub, tmp_path)  # waits for the first
        time.sleep(0.5)
        assert second.poll() is None
        assert len(hub.requests) == 1
        first.kill()
        first.communicate()
        out, err = second.communicate(timeout=60)
        assert out == f"done {2**19} {2**19}\n", err
        assert hub.served == len(content)


def test_two_processes_at_once_fetch_one_file(tmp_path: Path) -> None:
    content = random.Random(8).randbytes(2**20)
    begun = threading.Event()

    def slowly(exchange: Exchange) -> None:
        begun.set()
        trickle(block=2**17, pause=0.1)(exchange)

    with FaultyHub(content) as hub:
        hub.answer("/file", slowly)
        first = start(hub, tmp_path)
        assert begun.wait(30)
        second = start(hub, tmp_path)
        outs = sorted([first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]])
        assert outs == ["done 0 0\n", f"done {len(content)} 0\n"]
        assert hub.served == len(content)


def _until(true: object) -> None:
    for _ in range(1500):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")
