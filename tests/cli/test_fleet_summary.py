"""`sdsetup fleet summary` over what the doctor said of two PCs, and over a file that is something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from documents import document
from sdsetup.cli.app import run


def checks(*statuses: str) -> list[dict[str, object]]:
    fix = {"text": "Do it.", "command": "do it"}
    return [
        {"id": f"check-{n}", "status": status, "title": "Title", "summary": "said", "why": None, "fix": fix}
        for n, status in enumerate(statuses)
    ]


def test_for_programs_every_pc_stands_in_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = {"name": "NVIDIA GeForce RTX 3060", "vendor": "nvidia", "driver_version": "551.52"}
    for name, gpus, statuses in (("fine", [card], ["ok"]), ("worse", [], ["warn", "fail"])):
        said = {
            "schema": "sdsetup.doctor/1",
            "ok": "fail" not in statuses,
            "machine": {"gpus": gpus},
            "checks": checks(*statuses),
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(said))
    (tmp_path / "other.json").write_text("no JSON")
    assert run(["fleet", "summary", str(tmp_path), "--json"]) == 1
    told = document(capsys.readouterr().out)
    assert told["ok"] is False
    assert [(pc["name"], pc["verdict"]) for pc in told["pcs"]] == [
        ("other", "unreadable"),
        ("worse", "problem"),
        ("fine", "ok"),
    ]
    assert [one["status"] for one in told["pcs"][1]["troubles"]] == ["fail", "warn"]
    assert (told["pcs"][0]["why"] is None, told["pcs"][2]["driver"]) == (False, "551.52")
