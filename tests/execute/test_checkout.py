"""The web UI's checkout, with real git against a local remote."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.steps import webui_checkout as checkout
from sdsetup.machine.real import RealMachine
from sdsetup.rehearsal.stand_ins import make_repository, webui_files
from sdsetup.values.plan import CloneWebUI


def git(folder: Path, *args: str) -> str:
    env = {
        **os.environ,
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@t",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@t",
    }
    return subprocess.run(
        ["git", "-C", str(folder), *args], capture_output=True, text=True, check=True, env=env
    ).stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> tuple[Path, str, str]:
    """A remote with two commits: the pinned (tagged) one and a newer one on master."""
    bare = tmp_path / "remote.git"
    pinned = make_repository(bare, webui_files(), tag="v1.10.1", git="git")
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(bare), str(work))
    (work / "newer.txt").write_text("x")
    git(work, "add", ".")
    git(work, "commit", "-qm", "newer")
    git(work, "push", "-q", "origin", "HEAD:master")
    return bare, pinned, git(work, "rev-parse", "HEAD")


def context(tmp_path: Path) -> Context:
    return Context(dir=tmp_path / "sd", tools=tmp_path / "tools", cache=tmp_path / "cache", machine=RealMachine())


def wish(remote: tuple[Path, str, str]) -> CloneWebUI:
    return CloneWebUI(urls=(remote[0].as_uri(),), commit=remote[1], ref="v1.10.1", branch="master")


def test_a_new_checkout_pulls_and_describes_itself(tmp_path: Path, remote: tuple[Path, str, str]) -> None:
    made = checkout.place(wish(remote), context(tmp_path))
    folder = tmp_path / "sd"
    assert made == {"commit": remote[1], "former": None}
    assert git(folder, "describe", "--tags") == "v1.10.1"
    (folder / ".sdsetup" / "journal.json").write_text("{}")
    assert git(folder, "status", "--porcelain") == ""
    git(folder, "pull", "-q")
    assert git(folder, "rev-parse", "HEAD") == remote[2]


def test_a_clean_checkout_is_moved_and_its_former_place_stays_reachable(
    tmp_path: Path, remote: tuple[Path, str, str]
) -> None:
    folder = tmp_path / "sd"
    git(tmp_path, "clone", "-q", remote[0].as_uri(), str(folder))
    (folder / "mine.txt").write_text("own, untracked")
    made = checkout.place(wish(remote), context(tmp_path))
    assert made["former"] == remote[2]
    assert git(folder, "rev-parse", "HEAD") == remote[1]
    assert git(folder, "rev-parse", checkout.FORMER_BRANCH) == remote[2]
    assert (folder / "mine.txt").read_text() == "own, untracked"


def test_an_edited_launch_file_is_carried_along(tmp_path: Path, remote: tuple[Path, str, str]) -> None:
    folder = tmp_path / "sd"
    git(tmp_path, "clone", "-q", remote[0].as_uri(), str(folder))
    (folder / "webui-user.bat").write_bytes(b"set COMMANDLINE_ARGS=--mine\r\n")
    checkout.place(wish(remote), context(tmp_path))
    assert git(folder, "rev-parse", "HEAD") == remote[1]
    assert (folder / "webui-user.bat").read_bytes() == b"set COMMANDLINE_ARGS=--mine\r\n"


def test_a_changed_file_is_never_touched(tmp_path: Path, remote: tuple[Path, str, str]) -> None:
    folder = tmp_path / "sd"
    git(tmp_path, "clone", "-q", remote[0].as_uri(), str(folder))
    (folder / "launch.py").write_text("# changed by hand")
    with pytest.raises(SdsetupError) as caught:
        checkout.place(wish(remote), context(tmp_path))
    assert caught.value.code == "local-changes"
    assert "launch.py" in str(caught.value.why)
    assert (folder / "launch.py").read_text() == "# changed by hand"
    assert git(folder, "rev-parse", "HEAD") == remote[2]
