"""Whole computers: everything that is asked of one, and the findings that must come of it."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from machines import SCENES, load_scene
from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.doctor import read_doctor
from sdsetup.catalog.files import Profiles
from sdsetup.decide.checks import CHECKS, diagnose
from sdsetup.probe import gather
from sdsetup.values.facts_json import facts_from_json, machine_json
from sdsetup.values.findings import Report

NAMES = sorted(path.stem for path in SCENES.glob("*.toml") if "[expect]" in path.read_text(encoding="utf-8"))


def judge(name: str) -> tuple[Report, dict[str, Any]]:
    machine, raw = load_scene(name)
    pure = PureWindowsPath if machine.family == "windows" else PurePosixPath
    folder: Any = pure(raw["target"]["folder"])
    profile = read_doctor(Profiles().raw("doctor"))
    brings = {"python", "git"} if machine.family == "windows" else {"python"}
    facts = gather(machine, folder, hosts=profile.hosts)
    return diagnose(facts, profile.need(Catalog().rules(), brings=frozenset(brings))), raw["expect"]


def test_there_are_enough() -> None:
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_findings(name: str) -> None:
    report, expect = judge(name)
    assert report.facts.unknown == {}
    found = {finding.id: finding for finding in report.findings}
    assert len(found) == len(CHECKS)
    for id, status in expect["status"].items():
        assert found[id].status == status, (id, found[id])
    for id, fragments in expect.get("says", {}).items():
        said = f"{found[id].summary} {found[id].why or ''}"
        for fragment in fragments:
            assert fragment in said, (id, said)
    for id, command in expect.get("commands", {}).items():
        fix = found[id].fix
        assert fix is not None
        assert fix.command == command
    assert report.ok is expect["ok"], [f for f in report.findings if f.status == "fail"]
    if "gpus" in expect:
        assert [gpu.name for gpu in report.facts.gpus] == expect["gpus"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_well_says_why_and_what_to_do(name: str) -> None:
    report, _ = judge(name)
    for finding in report.findings:
        assert str(finding.summary)
        if finding.status in ("warn", "fail"):
            assert finding.why, finding
            assert finding.fix, finding
            assert str(finding.fix.text)


@pytest.mark.parametrize("name", NAMES)
def test_facts_survive_the_way_to_a_helper(name: str) -> None:
    report, _ = judge(name)
    assert facts_from_json(machine_json(report.facts)) == report.facts
