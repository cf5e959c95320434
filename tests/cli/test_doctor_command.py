"""`sdsetup doctor` as a program: exit codes, one JSON document, narrow streams, the cures that act."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import documents

SRC = Path(__file__).parents[2] / "src"
IDS = {
    "os",
    "python",
    "git",
    "gpu",
    "driver",
    "memory",
    "pagefile",
    "cpu",
    "disk",
    "folder",
    "port",
    "network",
    "webui",
}


class Answering(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def profiles(tmp_path: Path) -> Iterator[Path]:
    """The built-in knowledge with one host on loopback in place of the world."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "doctor.toml").write_text(
        f'hosts = [{{url = "http://127.0.0.1:{served.server_port}/", purpose = "git"}}]\n'
    )
    yield folder
    served.shutdown()
    served.server_close()


def sdsetup(*arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sdsetup", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=SRC,
        env={**os.environ, "COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1", **env},
        timeout=60,
    )


def test_json_is_one_document_and_nothing_else(profiles: Path, tmp_path: Path) -> None:
    ended = sdsetup("doctor", "--json", "--dir", str(tmp_path / "webui"), "--profiles", str(profiles))
    document = documents.document(ended.stdout)
    assert document["schema"] == "sdsetup.doctor/1"
    assert set(document) == {"schema", "ok", "machine", "checks"}
    assert {check["id"] for check in document["checks"]} >= IDS
    assert document["ok"] is all(check["status"] != "fail" for check in document["checks"])
    assert ended.returncode == (0 if document["ok"] else 1)
    assert [line for line in ended.stderr.splitlines() if not line.startswith(b"wine:")] == []
    network = next(check for check in document["checks"] if check["id"] == "network")
    assert network["status"] == "ok"
    assert not (tmp_path / "webui").exists()


def test_verbose_has_one_line_per_check(profiles: Path, tmp_path: Path) -> None:
    ended = sdsetup("doctor", "-v", "--dir", str(tmp_path / "webui"), "--profiles", str(profiles))
    lines = ended.stdout.decode().splitlines()
    assert sum(re.match(r" . (OK|Warning|Problem|Skipped) +\w", line) is not None for line in lines) >= len(IDS)
    assert b"\x1b" not in ended.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "cp866"])
def test_a_stream_that_cannot_show_everything(encoding: str, profiles: Path, tmp_path: Path) -> None:
    folder = tmp_path / "тест ü"
    ended = sdsetup("doctor", "--dir", str(folder), "--profiles", str(profiles), PYTHONIOENCODING=encoding)
    assert ended.returncode in (0, 1)
    assert b"Traceback" not in ended.stderr
    assert b"System" in ended.stdout
    ended.stdout.decode(encoding)


def test_a_blocker_is_exit_code_one(profiles: Path, tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("mine")
    ended = sdsetup("doctor", "--json", "--dir", str(taken), "--profiles", str(profiles))
    document = documents.document(ended.stdout)
    assert ended.returncode == 1
    assert document["ok"] is False
    assert next(check for check in document["checks"] if check["id"] == "folder")["status"] == "fail"
    assert taken.read_text() == "mine"


def test_a_bad_profile_names_its_problems(tmp_path: Path) -> None:
    (tmp_path / "doctor.toml").write_text('[python]\nwanted = "three"\n[cpu]\nleast_cores = "4"\n')
    ended = sdsetup("doctor", "--profiles", str(tmp_path))
    assert ended.returncode == 1
    said = ended.stderr.decode()
    assert "python.wanted" in said
    assert "cpu.least_cores" in said


def test_a_reported_machine_is_judged_here(profiles: Path, tmp_path: Path) -> None:
    facts = {
        "schema": "sdsetup.report/1",
        "machine": {
            "system": {"family": "windows", "name": "Windows 7", "build": 7601, "bits": 64},
            "gpus": [
                {
                    "vendor": "nvidia",
                    "name": "NVIDIA GeForce GTX 1070",
                    "compute_capability": "6.1",
                    "driver_version": "471.11",
                }
            ],
        },
    }
    file = tmp_path / "report.json"
    file.write_text(json.dumps(facts))
    ended = sdsetup("doctor", "--json", "--facts", str(file), "--profiles", str(profiles))
    checks = {check["id"]: check for check in documents.document(ended.stdout)["checks"]}
    assert ended.returncode == 1
    assert checks["os"]["status"] == "fail"
    assert checks["driver"]["status"] == "warn"
    assert "580.xx" in checks["driver"]["fix"]["text"]
    for content, code in (("{", "facts-unreadable"), ("[]", "facts-invalid")):
        file.write_text(content)
        ended = sdsetup("doctor", "--facts", str(file))
        assert ended.returncode == 1
        assert code in ended.stderr.decode()
    missing = sdsetup("doctor", "--facts", str(tmp_path / "none.json"))
    assert missing.returncode == 1
    said = missing.stderr.decode()
    assert "There is no such file" in said and "Errno" not in said and "why:" not in said
    assert sdsetup("doctor", "--facts", str(file), "--fix").returncode == 2


def proxied(profiles: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[bytes]:
    return sdsetup("doctor", "--dir", str(folder), "--profiles", str(profiles), *more)


@pytest.mark.skipif(sys.platform == "win32", reason="the folder's odd name")
def test_fix_offers_asks_and_asks_again(profiles: Path, tmp_path: Path) -> None:
    folder = tmp_path / "R&D"
    refused = proxied(profiles, folder, "--fix")
    assert refused.returncode == 2
    assert "Fixes that don't need administrator rights" in refused.stdout.decode()
    assert "consent-needed" in refused.stderr.decode()
    ended = proxied(profiles, folder, "--fix", "--yes")
    said = ended.stdout.decode()
    home = Path(os.environ["HOME"]) / "stable-diffusion-webui"
    assert f"Using {home}" in " ".join(said.split())
    again = said.partition("Using ")[2]
    assert "Install folder" in again
    assert "Memory" not in again  # not touched, so not said again
    assert not folder.exists()


def test_fix_with_json_prints_the_final_state_alone(profiles: Path, tmp_path: Path) -> None:
    ended = proxied(profiles, tmp_path / "R&D", "--fix", "--yes", "--json")
    document = documents.document(ended.stdout)
    assert document["machine"]["folder"]["path"].endswith("webui")
