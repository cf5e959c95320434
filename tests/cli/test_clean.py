"""`sdsetup clean`: caches and programs that nothing needs, told first; what is needed or somebody's stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installations import HERE
from sdsetup.execute.caches import claim

CACHES = ("bytecode", "downloads", "resolutions", "uv", "wheels")


def clean(*words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    argv = [sys.executable, "-m", "sdsetup", "clean", *words]
    return subprocess.run(argv, capture_output=True, text=True, env=env, timeout=60, check=False)


@pytest.fixture
def cache(own_home: Path) -> Path:
    """A cache of ours with something in each folder, and something of somebody else's beside it."""
    folder = own_home / "cache"
    folder.mkdir()
    claim(folder)
    for name in CACHES:
        (folder / name / "thing").write_bytes(b"x" * 1000)
    (folder / "theirs").mkdir()
    (folder / "theirs" / "file").write_text("theirs")
    return folder


def known(home: Path, folder: Path) -> None:
    """An installation that is in the list."""
    (folder / "venv").mkdir(parents=True)
    (folder / ".sdsetup" / "former" / "venv").mkdir(parents=True)
    (folder / ".sdsetup" / "former" / "venv" / "big").write_bytes(b"y" * 5000)
    (home / "data").mkdir(exist_ok=True)
    at = "2026-01-01T00:00:00+00:00"
    entry = {"dir": str(folder), "first_seen": at, "last_used": at}
    said = {"schema": "sdsetup.installations/1", "installations": [entry]}
    (home / "data" / "installations.json").write_text(json.dumps(said))


def test_the_caches_go_and_the_rest_stays(cache: Path) -> None:
    dry = clean("--dry-run", "--json")
    said = json.loads(dry.stdout)
    assert (said["schema"], said["done"]) == ("sdsetup.clean/1", False)
    assert {Path(item["path"]).name for item in said["goes"]} == set(CACHES)
    assert said["frees"] >= 5000
    assert clean().returncode == 2  # nobody is there to agree
    assert (cache / "wheels" / "thing").exists()
    done = clean("--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any((cache / name).exists() for name in CACHES)
    assert (cache / "theirs" / "file").read_text() == "theirs"
    again = clean("--yes")
    assert again.returncode == 0
    assert "Nothing to clean" in again.stdout


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_what_another_link_keeps_alive_frees_nothing(cache: Path, tmp_path: Path) -> None:
    os.link(cache / "wheels" / "thing", tmp_path / "linked")
    before = json.loads(clean("--dry-run", "--json").stdout)["frees"]
    (tmp_path / "linked").unlink()
    assert json.loads(clean("--dry-run", "--json").stdout)["frees"] == before + 1000


def test_a_python_that_an_installation_stands_on_stays(own_home: Path, cache: Path, tmp_path: Path) -> None:
    python = own_home / "data" / "tools" / "python" / "cpython-3.10" / "bin"
    python.mkdir(parents=True)
    (python / "python3").write_text("python")
    known(own_home, tmp_path / "sd")
    (tmp_path / "sd" / "venv" / "pyvenv.cfg").write_text(f"home = {python}\n")
    assert clean("--yes").returncode == 0
    assert (python / "python3").exists()
    registry = own_home / "data" / "installations.json"
    text = registry.read_text()
    registry.unlink()  # an installation from before there was such a list may stand on it
    assert clean("--yes").returncode == 0
    assert (python / "python3").exists()
    registry.write_text(json.dumps({**json.loads(text), "installations": []}))
    assert clean("--yes").returncode == 0
    assert not (own_home / "data" / "tools" / "python").exists()


def test_the_python_of_sdsetup_itself_stays(own_home: Path) -> None:
    python = own_home / "data" / "tools" / "python" / "cpython-3.10" / "bin"
    python.mkdir(parents=True)
    (python / "python3").write_text("python")
    env = own_home / "data" / "app" / "env"
    env.mkdir(parents=True)
    (env / "pyvenv.cfg").write_text(f"home = {python}\n")
    (env / "made-by-sdsetup.txt").write_text("")
    done = clean("--yes")
    assert done.returncode == 0
    assert "sdsetup itself uses it" in " ".join(done.stdout.split())
    assert (python / "python3").exists()
    assert env.exists()
    assert clean("--yes", "--self").returncode == 0
    assert not env.exists()


def test_what_was_set_aside_goes_only_when_it_is_named(own_home: Path, tmp_path: Path) -> None:
    known(own_home, tmp_path / "sd")
    former = tmp_path / "sd" / ".sdsetup" / "former" / "venv"
    assert clean("--yes").returncode == 0
    assert former.exists()
    done = clean("--yes", "--set-aside")
    assert done.returncode == 0, done.stderr
    assert not former.exists()
