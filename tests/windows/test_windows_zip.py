"""The Windows program as a person has it: unpacked anywhere, without a Python on the PC."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from conftest import LAB, ROOT, Cmd

HOME = "C:\\AI (x86)\\тест"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, windows_python: Path) -> str:
    """Built by tools/build-windows with the bench's Python in the pinned one's place, through the same way."""
    folder = tmp_path_factory.mktemp("zip")
    archive = folder / "build.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(
            windows_python.parent, "python", filter=lambda one: None if "site-packages/" in one.name else one
        )
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        entry = {"name": "cpython", "arch": {"family": "x86_64", "variant": None}, "os": "windows", "libc": "none"}
        entry |= {"major": 3, "minor": 10, "patch": 11, "prerelease": "", "variant": None, "build": "20260101"}
        entry |= {"url": f"http://127.0.0.1:{server.server_port}/build.tar.gz"}
        entry |= {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}
        listing = folder / "downloads.json"
        listing.write_text(json.dumps({"cpython-3.10.11-windows-x86_64-none": entry}))
        data = folder / "data.toml"
        text = (ROOT / "tools" / "windows.toml").read_text(encoding="utf-8")
        data.write_text(text.replace("cpython-3.13.18-", "cpython-3.10.11-"), encoding="utf-8")
        subprocess.run(
            [sys.executable, str(ROOT / "tools" / "build-windows"), str(folder / "out"), "--data", str(data)],
            env={**os.environ, "UV_PYTHON_DOWNLOADS_JSON_URL": str(listing)},
            check=True,
        )
        server.shutdown()
    (made,) = (folder / "out").glob("*.zip")
    place = LAB / "prefix" / "drive_c" / "AI (x86)" / "тест"
    place.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(made) as packed:
        packed.extractall(place)
    return f'"{HOME}\\sdsetup\\sdsetup.exe"'


def test_it_runs_from_a_folder_with_blanks_parentheses_and_cyrillic(program: str, cmd: Cmd) -> None:
    version = cmd(f"{program} --version")
    assert (version.rc, version.out.split()[0]) == (0, "sdsetup"), version.err
    tuned = cmd(f"{program} tune --vram 8")
    assert tuned.rc == 0, tuned.err
    assert "torch" in tuned.out
    judged = cmd(f"{program} doctor --json")
    assert judged.rc in (0, 1), judged.err
    assert json.loads(judged.out)["checks"]
