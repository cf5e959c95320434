"""`sdsetup report`: a document that can be posted, and judged again by another doctor."""

from __future__ import annotations

import getpass
import json
import os
import socket
from pathlib import Path

import pytest
from test_doctor_command import profiles, sdsetup

import documents
from sdsetup.show.report import document_in, report_markdown

__all__ = ["profiles"]


@pytest.fixture
def home(own_home: Path) -> Path:
    """A home whose name would give the person away, with a log that holds secrets."""
    home = own_home / "home" / "annamaria"
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "20260101-000000-install-000001.log").write_text(
        "2026-01-01 INFO fetched https://anna:pw@proxy.example/x?token=hf_abcdefghijklmnop from 10.1.2.3"
        f" into {home}/sd\n"
    )
    return home


def test_what_is_in_it_and_what_is_not(profiles: Path, home: Path, tmp_path: Path) -> None:
    env = {"HOME": str(home), "USERPROFILE": str(home), "USER": "annamaria", "SDSETUP_LOG_DIR": str(home / "logs")}
    out = tmp_path / "report.md"
    folder = home / "sd"
    folder.mkdir()
    (folder / "tax return of annamaria.pdf").write_text("x")
    ended = sdsetup("report", "--out", str(out), "--dir", str(folder), "--profiles", str(profiles), **env)
    assert ended.returncode == 0, ended.stderr
    text = out.read_text(encoding="ascii")
    summary, _, rest = text.partition("\n```json\n")
    assert summary.startswith("# sdsetup support report\n") and summary.count("\n") <= 30
    assert "## Problems and warnings" in summary
    document = documents.document(rest.removesuffix("\n```\n"))
    assert set(document) == {"schema", "versions", "machine", "checks", "tuning", "logs"}
    assert document["schema"] == "sdsetup.report/1"
    assert document["versions"]["sdsetup"]
    assert document["tuning"]["profile"] == "current"
    assert document["machine"]["folder"]["entries"] == ["[file 1]"]
    assert document["logs"][0]["name"].endswith("install-000001.log")
    for secret in ("annamaria", "hf_abcdefgh", "anna:pw", "10.1.2.3", "tax return"):
        assert secret not in text, secret
    host = socket.gethostname()
    if len(host) > 2 and host.lower() not in ("localhost",):
        assert host not in text
    user = getpass.getuser()
    if len(user) > 2 and user != "root":
        assert f"/{user}/" not in text
    # A helper's doctor comes to the same findings.
    judged = sdsetup("doctor", "--json", "--facts", str(out), "--profiles", str(profiles))
    here = {check["id"]: check["status"] for check in document["checks"]}
    there = {check["id"]: check["status"] for check in json.loads(judged.stdout)["checks"]}
    assert here == there


@pytest.mark.skipif(os.name == "nt", reason="links and pipes")
def test_a_planted_log_brings_in_no_other_file(profiles: Path, tmp_path: Path) -> None:
    folder, diary = tmp_path / "D", tmp_path / "diary"
    diary.write_text("dear diary")
    logs = folder / ".sdsetup" / "logs"
    logs.mkdir(parents=True)
    (logs / "a.log").symlink_to(diary)
    printed = sdsetup("report", "--dir", str(folder), "--profiles", str(profiles))
    assert printed.returncode == 0, printed.stderr
    assert b"dear diary" not in printed.stdout
    os.mkfifo(logs / "b.log")
    again = sdsetup("report", "--dir", str(folder), "--profiles", str(profiles))
    assert again.returncode == 0, again.stderr


def test_without_a_file_it_is_printed_alone(profiles: Path, tmp_path: Path) -> None:
    ended = sdsetup("report", "--json", "--dir", str(tmp_path / "sd"), "--profiles", str(profiles))
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["schema"] == "sdsetup.report/1"
    assert [line for line in ended.stderr.splitlines() if not line.startswith(b"wine:")] == []


def test_a_place_that_cannot_be_written(profiles: Path, tmp_path: Path) -> None:
    out = tmp_path / "no such folder" / "report.json"
    ended = sdsetup("report", "--out", str(out), "--dir", str(tmp_path / "sd"), "--profiles", str(profiles))
    assert ended.returncode == 1
    assert "report-unwritable" in ended.stderr.decode()
    assert os.listdir(tmp_path) == ["profiles"]


def test_the_summary_has_at_most_thirty_lines_and_shows_what_it_is_given() -> None:
    checks = [
        {"id": f"c{n}", "status": "warn", "title": "T", "summary": "a <b> `c`\nd", "why": None, "fix": None}
        for n in range(60)
    ]
    gpu = {"name": "Card\u00e9", "vendor": "nvidia", "vram_bytes": 8 * 2**30}
    document = {
        "versions": {"sdsetup": "1", "python": "3"},
        "machine": {"gpus": [gpu] * 4},
        "checks": checks,
        "tuning": None,
        "logs": [{"name": "x.log", "text": "text\n```\nmore"}],
    }
    text = report_markdown(document)
    summary, _, _ = text.partition("\n```json\n")
    assert summary.count("\n") <= 30
    assert "- Graphics card: Card\\xe9, 8 GB" in summary
    assert "- **Warning** T: a \\<b> 'c' d" in summary and "and 48 more" in summary
    assert json.loads(document_in(text)) == document
    assert json.loads(document_in(text.replace("\n", "\r\n"))) == document
