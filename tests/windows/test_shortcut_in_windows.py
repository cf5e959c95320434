"""A .lnk in the start menu of a Windows CPython: it starts the web UI of its folder, however that is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from conftest import KIT, LAB, ROOT, windows_path


@pytest.mark.parametrize("name", ["web ui", "AI (x86) & 100%", "тест"])
def test_a_link_is_made_found_and_started(
    product: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("WINELAB", str(LAB))
    script = Path(__file__).parent / "shortcut_in_windows.py"
    words = [windows_path(path) for path in (script, ROOT / "src", tmp_path / name)]
    done = subprocess.run([str(KIT / "wpy"), "3.10", *words], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["file"].endswith("Stable Diffusion web UI.lnk"), said
    assert said["found"] == [said["file"]] and said["again"] == said["file"]
    assert said["started"] == ["launch", "--dir", windows_path(tmp_path / name), "--wait"]
