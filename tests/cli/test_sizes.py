"""Download, needed, free: the same numbers in README, doctor, and plan."""

from __future__ import annotations

import re
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

from documents import document
from sdsetup.cli.app import run
from sdsetup.show.words import size
from sdsetup.values.facts import Disk, Facts, Folder, Gpu, Memory, System
from sdsetup.workflows.doctor import planned_requirements
from sdsetup.workflows.session import open_session

ROOT = Path(__file__).parents[2]


def test_doctor_and_plan_tell_the_same_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "webui")
    run(["install", "--dry-run", "--json", "--dir", folder])
    plan = document(capsys.readouterr().out)
    run(["doctor", "--json", "--dir", folder])
    checks = {check["id"]: check for check in document(capsys.readouterr().out)["checks"]}
    said = checks["disk"]["summary"]
    assert f"{size(plan['disk_bytes'])} needed" in said
    assert f"{size(plan['bytes'])} to download" in said
    run(["install", "--dry-run", "--dir", folder])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Download: {size(plan['bytes'])}. Disk space needed: {size(plan['disk_bytes'])}." in shown


def test_readme_tells_the_sizes_of_a_usual_gaming_pc() -> None:
    session = open_session(command="doctor")
    card = Gpu(vendor="nvidia", name="NVIDIA GeForce RTX 3060", vram_bytes=12 * 2**30, driver_version="551.52")
    pc = Facts(system=System(family="windows", arch="x86_64"), gpus=(card,), folder=Folder(path="C:\\sd"))
    need = planned_requirements(session, replace(pc, disk=Disk(free_bytes=100 * 10**9), memory=Memory()))
    assert need.download_bytes is not None
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    found = re.search(r"needs about (\d+) GB of free disk space and downloads about (\d+) GB", text)
    assert found is not None
    assert (int(found[1]), int(found[2])) == (ceil(need.disk_bytes / 1e9), ceil(need.download_bytes / 1e9))
