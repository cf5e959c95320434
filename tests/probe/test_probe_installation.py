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


def test_branches_that_name_each_other_and_a_submodule(webui: Path) -> None:
    head = git(webui, "rev-parse", "HEAD")
    git(webui, "symbolic-ref", "refs/heads/other", "refs/heads/master")
    git(webui, "symbolic-ref", "HEAD", "refs/heads/other")
    assert (found(webui).commit, found(webui).branch) == (head, "other")
    git(webui, "pack-refs", "--all")
    assert found(webui).commit == head
    (webui / ".git").rename(webui.parent / "elsewhere")
    (webui / ".git").write_text("gitdir: ../elsewhere\n")
    assert (found(webui).commit, found(webui).branch) == (head, "other")


def test_a_circle_of_branches_ends(webui: Path) -> None:
    (webui / ".git" / "refs" / "heads" / "master").write_text("ref: refs/heads/master\n")
    assert (found(webui).commit, found(webui).branch) == (None, "master")


def test_a_repository_elsewhere_on_the_network_is_not_looked_for(webui: Path) -> None:
    """Windows logs in to a server whose path is opened, with the account of whoever looks."""
    asked: list[str] = []

    class Listening(RealMachine):
        def looking_at(self, folder: Path) -> RealMachine:
            return self

        def read_text(self, path: str | Path, limit: int = 1_000_000) -> str | None:
            asked.append(str(path))
            return super().read_text(path, limit)

    for planted in (
        r"\\evil\share",
        "//evil/share",
        r"\\?\UNC\evil\share",
        r"\??\UNC\evil\share",
        r" /\evil\share",
    ):
        (webui / ".git" / "commondir").write_text(planted)
        gather(Listening(), webui, subjects=["installation", "folder"])
    assert asked
    assert not [path for path in asked if "evil" in path]


def test_what_cannot_be_told_from_the_files(webui: Path) -> None:
    (webui / ".git" / "HEAD").write_text(
        "ref: refs/heads/.invalid\n"
    )  # a repository that keeps its refs otherwise
    assert (found(webui).commit, found(webui).branch) == (None, None)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_repository_of_somebody_else(webui: Path) -> None:
    assert found(webui).foreign_owner is False
    os.chown(webui / ".git", 12345, 12345)
    assert found(webui).foreign_owner is True
    assert found(webui, SUDO_UID="12345").foreign_owner is False


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
    assert found(webui).environment_broken == "its Python is missing"
    (programs / "python").symlink_to(sys.executable)
    assert found(webui).environment_broken == "its pyvenv.cfg is missing or damaged"
    settings = webui / "venv" / "pyvenv.cfg"
    settings.write_text(f"home = {Path(sys.executable).parent}\nimplementation = CPython\nversion = 3.10.13\n")
    packages = webui / "venv" / "lib" / "python3.10" / "site-packages"
    for name in ("torch-2.1.2+cu121.dist-info", "torchvision-0.16.2.dist-info", "torch"):
        (packages / name).mkdir(parents=True)
    assert (found(webui).environment_python, found(webui).environment_broken) == ((3, 10, 13), None)
    assert found(webui).torch == "2.1.2+cu121"
    settings.write_text("version_info = 3.10.6.final.0\n")
    assert found(webui).environment_python == (3, 10, 6)
    settings.write_text("home = /nowhere/python/bin\nversion = 3.10.6\n")
    assert (
        found(webui).environment_broken == "the Python that it was created with is missing (/nowhere/python/bin)"
    )
    (programs / "python").unlink()
    (programs / "python").symlink_to("/nowhere/python")
    assert found(webui).environment_broken == "its Python is missing"
    (programs / "python").unlink()
    (programs / "python").write_text("")
    assert found(webui).environment_broken == "its Python is an empty file"


@pytest.mark.skipif(sys.platform == "win32", reason="a script as the environment's Python")
def test_a_conda_environment_is_one_too(webui: Path) -> None:
    (webui / "venv" / "bin").mkdir(parents=True)
    (webui / "venv" / "conda-meta").mkdir()
    (webui / "venv" / "bin" / "python").write_text("x")
    (webui / "venv" / "conda-meta" / "python-3.10.14-hd12c33a_0_cpython.json").write_text("{}")
    assert found(webui).environment_python == (3, 10, 14)


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
