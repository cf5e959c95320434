"""The Windows program as a person has it: unpacked anywhere, without a Python on the PC."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from conftest import LAB, ROOT, Cmd, reset_registry

HOME = "C:\\AI (x86)\\тест"
PROGRAM = f'"{HOME}\\sdsetup\\sdsetup.exe"'


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory, windows_python: Path) -> Iterator[Path]:
    """The bench's Python as uv finds its builds: a list with the address and SHA-256 of an archive."""
    folder = tmp_path_factory.mktemp("builds")
    archive = folder / "build.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
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
        yield listing
        server.shutdown()


def build(listing: Path, folder: Path) -> Path:
    """Built by tools/build-windows with the bench's Python in the pinned one's place, by the same code."""
    data = folder / "data.toml"
    text = (ROOT / "tools" / "windows.toml").read_text(encoding="utf-8")
    data.write_text(text.replace("cpython-3.13.18-", "cpython-3.10.11-"), encoding="utf-8")
    subprocess.run(
        [sys.executable, str(ROOT / "tools" / "build-windows"), str(folder / "out"), "--data", str(data)],
        env={**os.environ, "UV_PYTHON_DOWNLOADS_JSON_URL": str(listing)},
        check=True,
    )
    (made,) = (folder / "out").glob("*.zip")
    return made


@pytest.fixture(scope="module")
def archive(listing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(listing, tmp_path_factory.mktemp("zip"))


@pytest.fixture(scope="module")
def program(archive: Path, bench: Any) -> str:
    reset_registry(bench)  # Pythons and cards that other tests left there are not this PC's
    place = bench.host_path(HOME)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(place)
    # What Wine 8 lacks and uv.exe asks for.
    packages = place / "sdsetup" / "python" / "Lib" / "site-packages"
    shutil.copyfile(LAB / "bin" / "bcryptprimitives.dll", packages / "bin" / "bcryptprimitives.dll")
    return PROGRAM


def test_a_second_build_has_the_same_bytes(archive: Path, listing: Path, tmp_path: Path) -> None:
    assert build(listing, tmp_path).read_bytes() == archive.read_bytes()


def test_nothing_lies_in_it_that_nobody_uses(archive: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
    packages = {name.split("/")[4] for name in names if "/site-packages/" in name}
    assert {"sdsetup", "rich", "bin"} <= packages
    assert not {"pip", "setuptools", "pytest", "mypy"} & packages
    unused = ("__pycache__", "/Scripts/", "/tkinter/", "_tkinter.pyd")
    assert not [name for name in names if any(part in name for part in unused)]


def test_it_runs_from_a_folder_with_blanks_parentheses_and_cyrillic(program: str, cmd: Cmd) -> None:
    version = cmd(f"{program} --version")
    assert (version.rc, version.out.split()[0]) == (0, "sdsetup"), version.err
    tuned = cmd(f'{program} tune --gpu "RTX 3060" --vram 12')
    assert tuned.rc == 0, tuned.err
    assert "torch" in tuned.out
    # What it tells a person to type can be typed; a pipe of this country has no Cyrillic letters.
    assert re.search(r'"C:\\AI \(x86\)\\.{4}\\sdsetup\\sdsetup\.exe" why --xformers', tuned.out), tuned.out
    judged = cmd(f"{program} doctor --json")
    assert judged.rc in (0, 1), judged.err
    # Its own Python is not offered for the web UI: it goes where the program goes.
    pythons = [python["path"] for python in json.loads(judged.out)["machine"]["pythons"]]
    assert not [path for path in pythons if path.startswith(HOME)], pythons
    updated = cmd(f"{program} self update --json")
    assert json.loads(updated.out)["way"] == "zip", updated.err


def test_the_window_of_a_double_click_stays_until_it_is_read(program: str, bench: Any) -> None:
    path = PROGRAM.strip('"')
    env = bench.wine_env({}, [name for name in os.environ if name.startswith("SDSETUP_")], None)
    clicked = pexpect.spawn("wine", [path, "--version"], env=env, encoding="utf-8", timeout=60)
    clicked.expect_exact("Press Enter to close this window.")
    clicked.send("\r")
    clicked.expect(pexpect.EOF)
    typed = pexpect.spawn("wine", ["cmd", "/c", path, "--version"], env=env, encoding="utf-8", timeout=60)
    typed.expect(pexpect.EOF)
    assert "Press Enter" not in typed.before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_practice_run_from_it_ends_with_an_image(program: str, cmd: Cmd, git_exe: str, bench: Any) -> None:
    at = "C:\\Игры\\webui"
    folder = bench.host_path(at)
    shutil.rmtree(folder, ignore_errors=True)
    ended = cmd(f"{program} install --rehearse --yes --dir {at}", timeout=800, WINEPATH=git_exe)
    assert ended.rc == 0, (ended.out[-3000:], ended.err[-3000:])
    assert list((folder / ".sdsetup" / "proof").glob("*.png"))
    assert (folder / "webui-user.bat").is_file()
