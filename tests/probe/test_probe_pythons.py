"""Only a base interpreter that outlives us is taken: never the Python of an environment, ours or another's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from machines import Program, RecordedMachine, said
from sdsetup.machine.real import RealMachine
from sdsetup.probe import gather
from sdsetup.probe.pythons.found import base_of

BASE = r"C:\Python310\python.exe"
TOOL = r"C:\Users\anna\pipx\venvs\sdsetup\Scripts\python.exe"
CFG = r"C:\Users\anna\pipx\venvs\sdsetup\pyvenv.cfg"
ANSWER = Program(run="* -I -S -c*", answer=said("sdsetup 3 10 6 64 cpython 1 1\n"))


def windows(files: dict[str, str]) -> RecordedMachine:
    return RecordedMachine(family="windows", paths={"python": TOOL}, files=files, programs=[ANSWER])


def test_behind_a_tools_environment_its_base_is_found(tmp_path: Path) -> None:
    machine = windows({TOOL: "", CFG: "home = C:\\Python310\r\nversion = 3.10.6\r\n", BASE: ""})
    assert gather(machine, tmp_path, subjects=["pythons"]).pythons[0].path == BASE


def test_an_environment_whose_base_is_gone_is_nothing_to_build_on(tmp_path: Path) -> None:
    machine = windows({TOOL: "", CFG: "home = C:\\Python310\r\nversion = 3.10.6\r\n"})
    assert TOOL not in [python.path for python in gather(machine, tmp_path, subjects=["pythons"]).pythons]


def test_environments_in_a_circle_end() -> None:
    machine = windows({TOOL: "", CFG: "home = C:\\Users\\anna\\pipx\\venvs\\sdsetup\\Scripts\n"})
    assert base_of(machine, TOOL) is None


@pytest.mark.skipif(sys.platform == "win32", reason="links")
@pytest.mark.parametrize("how", [[], ["--copies"]])
def test_a_real_environment_first_on_path_and_one_made_from_it(tmp_path: Path, how: list[str]) -> None:
    base = RealMachine().running_python().path
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    subprocess.run([base, "-m", "venv", "--without-pip", *how, str(outer)], check=True)
    subprocess.run([str(outer / "bin/python"), "-m", "venv", "--without-pip", *how, str(inner)], check=True)
    env = {**os.environ, "PATH": f"{inner / 'bin'}{os.pathsep}{outer / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    machine = RealMachine(env)
    for made in (outer, inner):
        found = base_of(machine, str(made / "bin" / "python"))
        assert found is not None
        assert Path(found).samefile(base)
    paths = [python.path for python in gather(machine, tmp_path, subjects=["pythons"]).pythons]
    assert paths
    assert not [path for path in paths if path.startswith(str(tmp_path))]
