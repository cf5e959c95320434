# ruff: noqa: E501 - what is shown here is as wide as it is
"""The doctor's screen as people see it: 80 columns, no colour; and the keys of its JSON."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from sdsetup.show.doctor import count, report_json, show_report, show_waiting
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Folder, Gpu, Installation, System
from sdsetup.values.findings import Finding, Fix, Report

FINDINGS = (
    Finding(id="os", status="ok", title=Text("System"), summary=Text("Windows 11 23H2, 64-bit")),
    Finding(
        id="gpu",
        status="warn",
        title=Text("Graphics card"),
        summary=Text(
            "NVIDIA GeForce RTX 4060, 8 GB, compute capability 8.9; also AMD Radeon(TM) Graphics, not used"
        ),
        why=Text("Other programs are using {used} of its video memory", used="3 GB"),  # a reason of a profile
        fix=Fix(text=Text("Close games and other graphics programs before you create images.")),
    ),
    Finding(
        id="disk",
        status="fail",
        title=Text("Disk"),
        summary=Text("9.0 GB free (NTFS), 17.0 GB needed"),
        why=Text(
            "The environment takes about 6 GB, the first model 4.3 GB, and downloads as much again for a while."
        ),
        fix=Fix(
            text=Text("Free some space, or choose a drive with more:"),
            command='sdsetup install --dir "D:\\a folder with a long name\\and another one\\stable-diffusion-webui"',
        ),
    ),
    Finding(id="proxy", status="skip", title=Text("Proxy"), summary=Text("none")),
)
REPORT = Report(
    facts=Facts(
        system=System(family="windows"),
        folder=Folder(path="C:\\sd-webui"),
        gpus=(Gpu(vendor="nvidia", name="RTX 4060", compute_capability=(8, 9), source="nvml", uuid="GPU-1"),),
        unknown={"port": "timed out after 4 s"},
        probe_seconds={"gpus": 1.25, "port": 4.0},
    ),
    findings=FINDINGS,
)
SUMMARY = """\
This PC, with the install folder C:\\sd-webui

 ✗ Disk           9.0 GB free (NTFS), 17.0 GB needed
   why: The environment takes about 6 GB, the first model 4.3 GB, and downloads
        as much again for a while.
   fix: Free some space, or choose a drive with more:
        sdsetup install --dir "D:\\a folder with a long name\\and another one\\stable-diffusion-webui"
 ! Graphics card  NVIDIA GeForce RTX 4060, 8 GB, compute capability 8.9; also
                  AMD Radeon(TM) Graphics, not used
   why: Other programs are using 3 GB of its video memory.
   fix: Close games and other graphics programs before you create images.
 ✓ OK: System
 – Skipped: Proxy

1 problem must be fixed first, 1 warning
All checks in detail: add -v
"""
ALL = """\
This PC, with the install folder C:\\sd-webui

 ✓ OK      System         Windows 11 23H2, 64-bit
 ! Warning Graphics card  NVIDIA GeForce RTX 4060, 8 GB, compute capability 8.9;
                          also AMD Radeon(TM) Graphics, not used
   why: Other programs are using 3 GB of its video memory.
   fix: Close games and other graphics programs before you create images.
 ✗ Problem Disk           9.0 GB free (NTFS), 17.0 GB needed
   why: The environment takes about 6 GB, the first model 4.3 GB, and downloads
        as much again for a while.
   fix: Free some space, or choose a drive with more:
        sdsetup install --dir "D:\\a folder with a long name\\and another one\\stable-diffusion-webui"
 – Skipped Proxy          none

Time taken: port 4.00 s, gpus 1.25 s
Unknown: port: timed out after 4 s
1 problem must be fixed first, 1 warning
"""


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def test_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(REPORT, Screen())
    assert capsys.readouterr().out == SUMMARY


def test_verbose_lists_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(REPORT, Screen(verbose=True))
    assert capsys.readouterr().out == ALL


def test_quiet_shows_only_what_is_not_ok(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(REPORT, Screen(quiet=True))
    out = capsys.readouterr().out
    assert "System" not in out
    assert "Proxy" not in out
    assert "Disk" in out


def test_a_small_window_loses_details_of_warnings_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    for lines in (24, 16, 15):
        monkeypatch.setenv("LINES", str(lines))
        show_report(REPORT, Screen())
        out = capsys.readouterr().out
        assert out.count("\n") < lines or lines == 15
        assert all(said in out for said in ("The environment takes", "Free some space", "not used"))
        seen.append(("Other programs are using" in out, "Close games" in out))
    assert seen == [(True, True), (False, True), (False, True)], "a fix without a command is never left out"


def test_a_described_pc_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(REPORT, Screen(), described=Path("pc.json"))
    out = capsys.readouterr().out
    assert out.startswith("The PC described in pc.json\n")
    assert "This PC" not in out


def test_the_next_command_stands_last(capsys: pytest.CaptureFixture[str]) -> None:
    good = replace(REPORT, findings=FINDINGS[:1])
    show_report(good, Screen(), next_command="sdsetup install")
    assert capsys.readouterr().out.endswith(
        "\nNo problems found\nAll checks in detail: add -v\nNext:\n  sdsetup install\n"
    )


def test_counts() -> None:
    ok, warn, fail, _ = FINDINGS

    def said(*findings: Finding, there: Installation | None = None) -> str:
        facts = replace(REPORT.facts, installation=there)
        return str(count(replace(REPORT, facts=facts, findings=findings)))

    assert said(ok) == "No problems found"
    assert said(ok, warn) == "Ready to install, 1 warning"
    assert said(warn, warn) == "Ready to install, 2 warnings"
    assert said(warn, warn, there=Installation()) == "No problems, 2 warnings"
    assert said(fail, fail) == "2 problems must be fixed first"
    assert said(fail, warn) == "1 problem must be fixed first, 1 warning"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_any_window(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    show_report(REPORT, Screen())
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert "NVIDIA GeForce RTX 4060, 8 GB, compute capability 8.9;" in " ".join(out.split())
    if width >= 80:
        assert all(len(line) <= width for line in lines if "sdsetup install" not in line)


def test_json_keys() -> None:
    document = json.loads(json.dumps(report_json(REPORT)))
    assert list(document) == ["schema", "ok", "machine", "checks"]
    assert document["schema"] == "sdsetup.doctor/1"
    assert document["ok"] is False
    assert set(document["machine"]["gpus"][0]) == {field.name for field in fields(Gpu)}
    assert document["machine"]["gpus"][0]["compute_capability"] == "8.9"
    assert document["machine"]["gpus"][0]["vram_bytes"] is None
    for check in document["checks"]:
        assert list(check) == ["id", "status", "title", "summary", "why", "fix"]
    assert document["checks"][2]["fix"] == {
        "text": "Free some space, or choose a drive with more:",
        "command": 'sdsetup install --dir "D:\\a folder with a long name\\and another one\\stable-diffusion-webui"',
    }
    assert document["checks"][0]["fix"] is None


def test_waiting_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show_waiting(("gpus", "hosts"), Screen())
    assert capsys.readouterr().out == "Still checking: graphics cards, the network ...\n"


def test_a_rehearsal_says_so_on_this_screen_too(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(REPORT, Screen(banner=Text("This is a rehearsal.")))
    assert capsys.readouterr().out.startswith("This is a rehearsal.\nThis PC, with the install folder")
