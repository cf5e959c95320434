"""A look at a folder from a Windows CPython: which programs it finds, and names that leave the folder there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_download_in_windows import HERE, KIT, LAB, ROOT, windows_path


def test_a_look_in_windows(wineserver: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (LAB / "py310" / "python.exe").is_file():
        pytest.skip("the bench has no Windows Python 3.10")
    monkeypatch.setenv("WINELAB", str(LAB))
    words = [windows_path(path) for path in (HERE / "looking_in_windows.py", ROOT / "src", tmp_path)]
    done = subprocess.run([str(KIT / "wpy"), "3.10", *words], capture_output=True, text=True, timeout=100)
    assert done.stdout.splitlines() == [
        "True True True",
        "untrusted C:\\windows",
        "False None",
        "(3, 10, 6) None",
        "True",
        *["target-outside"] * 3,
        *["bad-file-name"] * 2,
        "target-outside",
        *["bad-file-name"] * 2,
        "target-outside",
        "good/name",
    ], (done.stdout, done.stderr)
