"""An installation as it lies on a disk: real Git, real folders, real and broken environments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdsetup.machine.real import RealMachine
from sdsetup.probe import gather
from sdsetup.values.facts import Facts, Installation
from sdsetup.values.install_record import InstallRecord, to_json

GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env={**os.environ, **GIT}
    )
    return done.stdout.strip()


@pytest.fixture
def webui(tmp_path: Path) -> Path:
    """A checkout with the files by which a web UI is known."""
    folder = tmp_path / "web ui"
    (folder / "modules").mkdir(parents=True)
    for name in ("webui.py", "launch.py", "modules/shared.py"):
        (folder / name).write_text("# code\n")
    git(folder, "init", "--quiet", "--initial-branch=master")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def look(folder: Path, **env: str) -> Facts:
    return gather(RealMachine({**os.environ, **env}), folder, subjects=["installation", "folder"])


def found(folder: Path, **env: str) -> Installation:
    there = look(folder, **env).installation
    assert there is not None
    return there


def test_commit_and_branch(webui: Path) -> None:
    head = git(webui, "rev-parse", "HEAD")
    assert (found(webui).commit, found(webui).branch) == (head, "master")
    git(webui, "pack-refs", "--all")
    assert (found(webui).commit, found(webui).branch) == (head, "master")
    git(webui, "checkout", "--quiet", "--detach")
    assert (found(webui).commit, found(webui).branch) == (head, None)
    git(webui, "worktree", "add", "--quiet", str(webui.parent / "second"), "-b", "second")
    assert (found(webui.parent / "second").commit, found(webui.parent / "second").branch) == (head, "second")


def test_changes_of_tracked_files_only_and_nothing_is_written(webui: Path) -> None:
    (webui / "own notes.txt").write_text("mine")
    assert found(webui).changed_files == ()
    (webui / "webui.py").write_text("# changed\n")
    git(webui, "mv", "launch.py", "start.py")
    (webui / "launch.py").write_text("")
    index = webui / ".git" / "index"
    before = index.read_bytes()
    assert found(webui).changed_files == ("start.py", "webui.py")
    assert index.read_bytes() == before


def test_a_repository_of_somebody_else(webui: Path) -> None:
    facts = look(webui, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert facts.unknown == {"installation.changes": "dubious ownership"}
    assert facts.installation is not None
    assert facts.installation.commit


def test_a_program_named_by_the_folder_s_settings_is_not_started(webui: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    git(webui, "config", "core.fsmonitor", f"touch {trap};")
    found(webui)
    assert not trap.exists()


@pytest.mark.parametrize("damage", ["", "ref: refs/heads/gone", "ref: ../../../etc/passwd", "xyz", "ref: "])
def test_a_damaged_head(webui: Path, damage: str) -> None:
    (webui / ".git" / "HEAD").write_text(damage)
    assert found(webui).commit is None


def test_models_launch_files_and_the_remembered_machine(webui: Path) -> None:
    models = webui / "models" / "Stable-diffusion" / "mine"
    models.mkdir(parents=True)
    for name in (
        "a.safetensors",
        "b.CKPT",
        "Put Stable Diffusion checkpoints here.txt",
        "c.vae.pt",
        "x.safetensors.part",
    ):
        (models / name).write_text("")
    (webui / "webui-user.sh").write_text("")
    (webui / ".sdsetup").mkdir()
    (webui / ".sdsetup" / "machine.json").write_text(json.dumps(to_json(InstallRecord(card="X"))))
    facts = look(webui)
    assert facts.installation is not None
    assert facts.installation.models == ("a.safetensors", "b.CKPT")
    assert facts.installation.launch_files == ("webui-user.sh",)
    assert facts.recorded == InstallRecord(card="X")
    (webui / ".sdsetup" / "machine.json").write_text("{broken")
    assert look(webui).recorded is None


@pytest.mark.skipif(sys.platform == "win32", reason="a link as the environment's Python")
def test_environments(webui: Path) -> None:
    assert (found(webui).environment_python, found(webui).environment_broken, found(webui).torch) == (
        None,
        None,
        None,
    )
    programs = webui / "venv" / "bin"
    programs.mkdir(parents=True)
    assert found(webui).environment_broken == "its Python is gone"
    (programs / "python").symlink_to(sys.executable)
    packages = webui / "venv" / "lib" / "python3.10" / "site-packages"
    for name in ("torch-2.1.2+cu121.dist-info", "torchvision-0.16.2.dist-info", "torch"):
        (packages / name).mkdir(parents=True)
    assert found(webui).environment_python == sys.version_info[:3]
    assert found(webui).torch == "2.1.2+cu121"
    (programs / "python").unlink()
    (programs / "python").write_text("#!/bin/sh\necho 'No Python at /usr/bin/python3.10' >&2\nexit 103\n")
    (programs / "python").chmod(0o755)
    assert found(webui).environment_broken == "No Python at /usr/bin/python3.10"


@pytest.mark.parametrize(
    ("made", "state"),
    [
        ([], "absent"),
        ([""], "empty"),
        ([".sdsetup/journal.json"], "empty"),
        (["desktop.ini", "Thumbs.db"], "empty"),
        (["picture.png"], "foreign"),
        ([".git/config"], "git"),
        (["webui.py", "launch.py"], "foreign"),
        (["webui.py", "launch.py", "modules/x.py"], "webui"),
    ],
)
def test_what_lies_in_a_folder(made: list[str], state: str, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    for name in made:
        path = folder / name
        if name:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        else:
            folder.mkdir()
    there = look(folder).folder
    assert there is not None
    assert there.state == state


def test_a_file_in_the_way_and_another_repository(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    there = look(tmp_path / "file").folder
    assert there is not None
    assert there.state == "file"
    below = look(tmp_path / "file" / "below").folder
    assert below is not None
    assert below.state == "file"
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    git(other, "remote", "add", "origin", "https://me:secret@example.org/other.git")
    there = look(other).folder
    assert there is not None
    assert (there.state, there.remote) == ("git", "https://example.org/other.git")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    there = look(tmp_path / "new").folder
    tmp_path.chmod(0o755)
    assert there is not None
    assert there.writable is False
