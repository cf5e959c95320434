"""The downloader in a Windows CPython: open files, read-only files, links, names, two at once."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# As in this folder's conftest; read before the tests get a home of their own.
LAB = Path(os.environ.get("WINELAB") or Path.home() / ".cache" / "sdsetup-wine")
KIT = Path(os.environ.get("SDSETUP_WINE_BENCH") or ROOT.parent / "shared" / "wine")
sys.path.append(str(ROOT / "tests" / "execute" / "download"))

from faulty_hub import FaultyHub, drop, whole  # noqa: E402


def windows_path(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def test_downloads_in_windows(wineserver: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (LAB / "py310" / "python.exe").is_file():
        pytest.skip("the bench has no Windows Python 3.10")
    monkeypatch.setenv("WINELAB", str(LAB))
    data = random.Random(1).randbytes(3_000_000)
    with FaultyHub(data) as hub:
        hub.answer("/file", drop(1_000_000), drop(500_000, reset=True), whole)
        words = [
            windows_path(HERE / "download_in_windows.py"),
            windows_path(ROOT / "src"),
            windows_path(Path(filelock.__file__).parents[1]),
            hub.url,
            str(len(data)),
            hashlib.sha256(data).hexdigest(),
            windows_path(tmp_path / "web ui"),
        ]
        done = subprocess.run([str(KIT / "wpy"), "3.10", *words], capture_output=True, text=True, timeout=100)
        said = done.stdout.splitlines()
        assert said[:3] == ["ok 3000000 0", "ok 0 0", "ok 3000000 0"], (done.stdout, done.stderr)
        assert said[3].count("safetensors") == 2
        assert said[3].endswith("safetensors.old']")
        assert said[4] == "ok 0 0 reused"
        assert said[5:10] == [
            "error target-in-the-way",
            "error bad-file-name",
            "error target-outside",
            "error target-outside",
            "error target-outside",
        ]
        assert sorted(said[10:]) == ["ok 0 0", "ok 3000000 0"]
        # What was under way when a line was reset is sent again.
        assert 3 * len(data) <= hub.served < 3 * len(data) + 1_000_000
