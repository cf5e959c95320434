"""What only Windows answers, asked of a real Windows CPython (native, or on the Wine bench)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sdsetup.machine.real import RealMachine
from sdsetup.probe.system import windows as probe

pytestmark = [
    pytest.mark.windows,
    pytest.mark.skipif(sys.platform != "win32", reason="needs a Windows Python"),
]


def test_the_system() -> None:
    told = RealMachine().windows()
    assert told.version is not None
    assert told.version[0] >= 10
    assert told.native_machine in (0x8664, 0xAA64, 0x014C)
    assert told.server is not None
    assert told.admin is not None
    assert told.ansi_code_page
    assert told.oem_code_page
    assert set(told.known_folders) == {"desktop", "documents"}
    system = probe.ask(RealMachine())
    assert system.build == told.version[2]
    assert system.name is not None
    assert system.name.startswith("Windows")
    assert system.bits == 64


def test_memory_and_cores() -> None:
    told = RealMachine().memory()
    assert told is not None
    assert 2**28 < told.total <= told.commit_limit
    assert 0 < told.available <= told.total
    physical, logical = RealMachine().cores()
    assert physical is not None
    assert logical is not None
    assert 1 <= physical <= logical


def test_volumes(tmp_path: Path) -> None:
    told = RealMachine().volume(tmp_path)
    assert told is not None
    assert told.free_bytes
    assert told.total_bytes
    assert told.free_bytes <= told.total_bytes
    assert told.filesystem
    assert "C:\\" in [drive.root for drive in RealMachine().drives()]
    RealMachine().volume("Q:\\no\\such\\drive")  # does not raise


def test_libraries() -> None:
    machine = RealMachine()
    assert machine.loads("kernel32.dll")
    assert not machine.loads("no-such-library-anywhere.dll")


def test_registry() -> None:
    machine = RealMachine()
    key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    values = machine.registry_values("HKLM", key)
    assert values
    assert "CurrentBuild" in values
    assert machine.registry_values("HKLM", r"SOFTWARE\No Such Key") is None
    assert machine.registry_subkeys("HKLM", r"SOFTWARE\No Such Key") == ()
    assert "Microsoft" in machine.registry_subkeys("HKLM", "SOFTWARE")


def test_files(tmp_path: Path) -> None:
    machine = RealMachine()
    (tmp_path / "file").write_text("x")
    assert machine.kind(tmp_path) == "folder"
    assert machine.kind(tmp_path / "file") == "file"
    assert machine.kind(tmp_path / "none") == "absent"
    assert machine.write_problem(tmp_path) is None
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    assert machine.write_problem(tmp_path / "none")


def test_a_tree_of_programs_ends_as_one() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    ended = RealMachine().run([sys.executable, "-c", code], timeout=3)
    assert ended.problem == "timeout"
    # `no_stray_processes` looks for the inner one.


def test_names_in_capitals() -> None:
    """`Machine.env` has names in capitals on Windows: the probes ask for them so."""
    assert "SYSTEMROOT" in RealMachine().env
