"""What the user set in a launch file, through `tune --apply`, up to what bash then hands to the web UI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sdsetup.cli.app import run
from sdsetup.decide.tuning.own_flags import Own
from sdsetup.machine.real import RealMachine
from sdsetup.rehearsal.stand_ins import make_repository, webui_files
from sdsetup.workflows.inspect import with_surroundings

pytestmark = pytest.mark.skipif(os.name == "nt" or shutil.which("bash") is None, reason="the launch file is a .sh")
WORDS = ("--gpu", "RTX 2060", "--vram", "6", "--os", "linux")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_repository(tmp_path / "webui.git", webui_files(), tag="v1", git="git")
    subprocess.run(["git", "clone", "-q", str(tmp_path / "webui.git"), str(tmp_path / "ui")], check=True)
    return tmp_path / "ui"


def sourced(folder: Path) -> dict[str, str]:
    told = subprocess.run(
        ["bash", "-c", "source ./webui-user.sh >/dev/null; exec env -0"],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    return dict(one.split("=", 1) for one in os.fsdecode(told.stdout).split("\0") if "=" in one)


def test_own_variables_stay_twice_over(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    own = (
        "#!/bin/bash\n"
        "export COMMANDLINE_ARGS='--api --device-id=0'\n"
        "export STABLE_DIFFUSION_REPO=https://mirror.example/sd.git\n"
        "export no_proxy=.corp.example\n"
        "export TORCH_COMMAND='pip install torch==1.12.1'\n"
    )
    launch_file = folder / "webui-user.sh"
    launch_file.write_text(own, encoding="utf-8")
    assert run(["tune", "--apply", "--anyway", "--yes", "--dir", str(folder), *WORDS]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Your own STABLE_DIFFUSION_REPO stays" in said
    assert "Your own TORCH_COMMAND stays" in said
    once = launch_file.read_bytes()
    for _ in range(2):
        seen = sourced(folder)
        assert seen["STABLE_DIFFUSION_REPO"] == "https://mirror.example/sd.git"
        assert seen["TORCH_COMMAND"] == "pip install torch==1.12.1"
        assert seen["no_proxy"] == ".corp.example,localhost,127.0.0.1,::1"
        assert "--api --device-id=0 --xformers" in seen["COMMANDLINE_ARGS"]
        assert run(["tune", "--apply", "--anyway", "--yes", "--dir", str(folder), *WORDS]) == 0
        assert launch_file.read_bytes() == once  # a second time, with a record of the first, changes nothing


def test_a_git_that_works_is_the_users_and_one_that_is_not_there_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "git.exe").write_bytes(b"")
    machine = RealMachine({**os.environ, "no_proxy": "", "NO_PROXY": ".corp.example"})
    for works in ("git/git.exe", Path(sys.executable).as_posix(), f'"{sys.executable}"', "git"):
        assert with_surroundings(Own(env={"GIT": works}), machine, tmp_path).value("GIT") == works
    gone = with_surroundings(Own(env={"GIT": "C:/gone/git.exe"}), machine, tmp_path)
    assert not gone.sets("GIT")
    assert gone.value("no_proxy") == ".corp.example"
    assert with_surroundings(Own(env={"no_proxy": "a"}), machine, tmp_path).value("no_proxy") == "a"
