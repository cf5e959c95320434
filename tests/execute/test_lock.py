"""One run at a time per folder, with real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.execute.lock import folder_lock, lock_path
from sdsetup.text import Text

HOLD = """
import sys, time
from pathlib import Path
from sdsetup.execute.lock import folder_lock
with folder_lock(Path(sys.argv[1]), Path(sys.argv[2]), waiting=print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(folder: Path, cache: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PATH": ""},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_second_run_is_told_who_works_and_waits_or_gives_up(tmp_path: Path) -> None:
    said: list[Text] = []
    with holder(tmp_path / "sd", tmp_path / "cache") as other:
        with (
            pytest.raises(SdsetupError) as caught,
            folder_lock(tmp_path / "sd", tmp_path / "cache", waiting=said.append, patience=0),
        ):
            raise AssertionError("two runs in one folder")
        assert caught.value.code == "busy"
        assert str(other.pid) in str(caught.value.why)
        assert other.stdin is not None
        other.stdin.close()
        with folder_lock(tmp_path / "sd", tmp_path / "cache", waiting=said.append, patience=30):
            pass
    assert said == [] or str(other.pid) in str(said[0])


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path / "sd", tmp_path / "cache") as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        with folder_lock(tmp_path / "sd", tmp_path / "cache", waiting=lambda _t: None, patience=5):
            pass


def test_other_folders_are_not_held_up(tmp_path: Path) -> None:
    with holder(tmp_path / "one", tmp_path / "cache") as other:
        with folder_lock(tmp_path / "two", tmp_path / "cache", waiting=lambda _t: None, patience=0):
            pass
        assert other.stdin is not None
        other.stdin.close()


def test_two_spellings_of_a_folder_share_a_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert lock_path(tmp_path / "real", tmp_path) == lock_path(tmp_path / "link", tmp_path)
    assert lock_path(tmp_path / "real", tmp_path) == lock_path(tmp_path / "link" / ".." / "real" / "", tmp_path)


def test_a_cache_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with (
        pytest.raises(SdsetupError) as caught,
        folder_lock(tmp_path / "sd", tmp_path / "cache", waiting=lambda _t: None),
    ):
        raise AssertionError("locked without a lock file")
    assert caught.value.code == "cache-not-writable"
