"""What stands in the way of a step on the disk: each a clear error, and nothing half done."""

from __future__ import annotations

import errno
import os
import sys
import venv
from pathlib import Path

import pytest

from execute.gitlab import context_for
from sdsetup.errors import SdsetupError, file_problem
from sdsetup.execute import launch_file
from sdsetup.execute.runner import Runner
from sdsetup.execute.steps import webui_check
from sdsetup.text import Text
from sdsetup.values.plan import CheckWebUI, Plan, Step, WriteLauncher

LAUNCHER = WriteLauncher(kind="sh", flags=("--medvram",), env=())


def test_a_drive_that_fails() -> None:
    assert file_problem(OSError(errno.EIO, "Input/output error", "/x")).code == "drive-error"


def test_what_a_killed_run_left_beside_the_launch_file_goes_with_the_next(tmp_path: Path) -> None:
    context = context_for(tmp_path / "d")
    name = "webui-user.sh"
    left = [f".{name}.9670-52146712.new", f".{name}.2026-11-26.bak.9670-1.new"]
    for one in (*left, ".my.notes.new"):
        (context.dir / one).write_text("half")
    launch_file.write(LAUNCHER, context)
    assert sorted(path.name for path in context.dir.glob(".*.new")) == [".my.notes.new"]
    assert (context.dir / name).is_file()


def test_a_folder_where_the_launch_file_should_be(tmp_path: Path) -> None:
    context = context_for(tmp_path / "sd")
    (context.dir / "webui-user.sh").mkdir()
    with pytest.raises(SdsetupError) as caught:
        launch_file.write(LAUNCHER, context)
    assert caught.value.code == "launch-file-unreadable"


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_launch_file_that_leads_to_a_drive_that_is_gone(tmp_path: Path) -> None:
    context = context_for(tmp_path / "sd")
    link = context.dir / "webui-user.sh"
    link.symlink_to(tmp_path / "unplugged" / "webui-user.sh")
    with pytest.raises(SdsetupError) as caught:
        launch_file.write(LAUNCHER, context)
    assert caught.value.code == "launch-file-unwritable"
    assert link.is_symlink()


def test_a_record_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    context = context_for(tmp_path / "sd")
    (context.state / "journal.json").mkdir()
    (context.state / "journal.json" / "keep").touch()
    step = Step(id="launcher:sh", title=Text("launch file"), detail=Text(""), action=LAUNCHER)
    with pytest.raises(SdsetupError) as caught:
        Runner(Plan(dir=str(context.dir), steps=(step,)), context).run()
    assert caught.value.code == "journal-unwritable"


@pytest.mark.parametrize(
    ("script", "code", "why"),
    [
        ("raise SystemExit('a module is missing')", "webui-check-failed", "a module is missing"),
        ("print('Installing clip'); import time; time.sleep(60)", "webui-incomplete", "Installing clip"),
    ],
)
def test_the_web_uis_own_check(tmp_path: Path, script: str, code: str, why: str) -> None:
    context = context_for(tmp_path / "sd", PYTHONPATH="")
    venv.create(context.dir / "venv", symlinks=sys.platform != "win32")
    (context.dir / "launch.py").write_text(script)
    with pytest.raises(SdsetupError) as caught:
        webui_check.check(CheckWebUI(flags=("--xformers", "--medvram")), context)
    assert caught.value.code == code
    assert why in str(caught.value.why)
