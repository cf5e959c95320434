"""Uninstalling: what was said goes, everything else stays, killed in the middle and twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from documents import document

if TYPE_CHECKING:
    from conftest import Rehearsal

OWN = (
    "outputs/txt2img-images/2026-01-01/00001.png",
    "models/Stable-diffusion/mine.safetensors",
    "models/Lora/mine.safetensors",
    "extensions/mine/scripts/mine.py",
    "embeddings/mine.pt",
    "config.json",
    "notes.txt",
    "modules/mine.py",
)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder; links as what they lead to."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            name = path.relative_to(folder).as_posix()
            found[name] = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
    return found


def plant(folder: Path) -> None:
    for name in OWN:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"mine: {name}".encode())
    (folder / "README.md").write_text("my own edit of a file of the web UI")
    with (folder / "webui-user.sh").open("a") as file:
        file.write("# my own line\n")


def uninstall(rehearsal: Rehearsal, *more: str) -> subprocess.CompletedProcess[str]:
    return rehearsal.sdsetup("uninstall", "--rehearse", "--yes", *more)


def expected(before: dict[str, bytes]) -> dict[str, bytes]:
    """What has to be there afterwards: the user's own things and every model."""
    names = {name for name in before if name in OWN or name.startswith("models/Stable-diffusion/")}
    names |= {"README.md", "webui-user.sh"} | {name for name in before if name.startswith("webui-user.sh.")}
    return {name: before[name] for name in names}


def said_to_stay(said: dict[str, Any], folder: Path) -> set[str]:
    """Every file below what was said to stay."""
    found = set()
    for item in said["stays"]:
        path = Path(item["path"])
        inner = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        found |= {one.relative_to(folder).as_posix() for one in inner}
    return found


def test_what_is_left_is_what_was_said(rehearsal: Rehearsal) -> None:
    assert rehearsal.run().returncode == 0
    plant(rehearsal.dir)
    before = files(rehearsal.dir)
    dry = uninstall(rehearsal, "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    listed = document(dry.stdout)
    assert (listed["schema"], listed["done"]) == ("sdsetup.uninstall/1", False)
    assert files(rehearsal.dir) == before
    done = uninstall(rehearsal)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Models and images are never removed" in done.stdout
    left = files(rehearsal.dir)
    assert left == expected(before)
    assert left.keys() == said_to_stay(listed, rehearsal.dir)
    # Once more, whether as a practice run or not, finds nothing and changes nothing.
    for again in (uninstall(rehearsal), rehearsal.sdsetup("uninstall", "--yes", "--dir", str(rehearsal.dir))):
        assert again.returncode == 0, again.stderr
        assert "Nothing made by sdsetup is left" in again.stdout
    assert files(rehearsal.dir) == left


def test_nothing_is_left_where_nothing_is_the_users(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--model", "none").returncode == 0
    done = uninstall(rehearsal)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not rehearsal.dir.exists(), files(rehearsal.dir).keys()
    assert uninstall(rehearsal, "--json").returncode == 0


def test_without_consent_nothing_goes(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--model", "none").returncode == 0
    before = files(rehearsal.dir)
    done = rehearsal.sdsetup("uninstall", "--rehearse")
    assert done.returncode == 2
    assert files(rehearsal.dir) == before


def test_a_folder_that_is_none_of_ours_is_left_alone(rehearsal: Rehearsal, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "venv").mkdir(parents=True)
    (folder / "venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (folder / "launch.py").write_text("mine")
    done = rehearsal.sdsetup("uninstall", "--yes", "--dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert "Nothing made by sdsetup is left" in done.stdout
    assert set(files(folder)) == {"venv/pyvenv.cfg", "launch.py"}


def test_own_commits_keep_the_repository(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--model", "none").returncode == 0
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    git = ["git", *who, "-C", str(rehearsal.dir)]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "mine"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    done = uninstall(rehearsal)
    assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout == head
    assert not (rehearsal.dir / "venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL, links")
def test_links_are_not_followed_out(rehearsal: Rehearsal, tmp_path: Path) -> None:
    assert rehearsal.run("--model", "none").returncode == 0
    elsewhere = tmp_path / "disk"
    (rehearsal.dir / "modules").rename(elsewhere)
    (rehearsal.dir / "modules").symlink_to(elsewhere)
    outputs = tmp_path / "pictures"
    outputs.mkdir()
    (outputs / "one.png").write_text("mine")
    (rehearsal.dir / "outputs").symlink_to(outputs)
    before = files(elsewhere)
    done = uninstall(rehearsal)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(elsewhere) == before
    assert (rehearsal.dir / "outputs" / "one.png").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.timeout(400)
def test_killed_at_random_moments_the_next_run_does_the_rest(rehearsal: Rehearsal) -> None:
    dice = random.Random(os.environ.get("SDSETUP_TEST_SEED", "2026"))
    argv = [sys.executable, "-m", "sdsetup", "uninstall", "--yes", "--json", "--rehearse"]
    for _ in range(6):
        assert rehearsal.run().returncode == 0
        plant(rehearsal.dir)
        before = files(rehearsal.dir)
        for _kill in range(4):
            child = subprocess.Popen(argv, env=rehearsal.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            begun = rehearsal.dir / ".sdsetup" / "uninstall.json"
            while not begun.exists() and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(dice.uniform(0, 0.05))
            child.send_signal(signal.SIGKILL)
            child.wait()
            assert expected(before).items() <= files(rehearsal.dir).items()
        uninstall(rehearsal)  # refused where the last kill came too late and all of it is done
        done = rehearsal.sdsetup("uninstall", "--yes", "--dir", str(rehearsal.dir))
        assert done.returncode == 0, done.stderr
        assert files(rehearsal.dir) == expected(before)
        shutil.rmtree(rehearsal.dir)


@pytest.mark.parametrize("left", [("uninstall.json", "rehearsal.json"), ("rehearsal.json",), ()])
def test_a_removal_that_was_cut_off_at_its_last_files_ends(rehearsal: Rehearsal, left: tuple[str, ...]) -> None:
    state = rehearsal.dir / ".sdsetup"
    state.mkdir(parents=True)
    (rehearsal.dir / "notes.txt").write_text("mine")
    for name in left:
        (state / name).write_text('{"schema": "sdsetup.uninstall-begun/1", "blobs": {}}')
    done = uninstall(rehearsal)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not state.exists()
    assert (rehearsal.dir / "notes.txt").read_text() == "mine"
