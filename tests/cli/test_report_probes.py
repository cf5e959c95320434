"""A report gives nobody away: what people's logs, launch files and settings hold, through the real command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from report_probes import NEEDED, PROBES
from test_doctor_command import profiles, sdsetup

from sdsetup.redaction.report import LEFT_OUT

__all__ = ["profiles"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The report of a machine whose every file holds all of it."""
    return Told(tmp_path_factory.mktemp("people"))


class Told:
    def __init__(self, place: Path) -> None:
        self.home = place / "home" / "annamaria"
        self.dir = self.home / "Wolkenprojekt Nummer 7"
        state = self.dir / ".sdsetup"
        models = self.dir / "models" / "Stable-diffusion"
        own = self.home / "log"
        for folder in (state / "logs", models, own):
            folder.mkdir(parents=True)
        (models / "PrivateModelOne.safetensors").write_bytes(b"x")
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = Anna-Maria Wolkenstein\n\temail = wolke@mail.example\n"
        )
        lines = [self.filled(line) for line, _ in PROBES]
        text = "\n".join([*NEEDED, *lines, *NEEDED]) + "\n"
        (state / "logs" / "webui-20260101-000000.log").write_text(text, encoding="utf-8")
        (own / "20260101-000000-install-000001.log").write_text(text, encoding="utf-8")
        one_line = "".join(
            f"2026-01-01 10:00:00,000 INFO sdsetup.x: {line}\n" for line in lines if "\n" not in line
        )
        (own / "20260101-000000-launch-000002.log").write_text(one_line, encoding="utf-8")
        for name in ("webui-user.sh", "webui-user.bat", "config.json", "ui-config.json"):
            (self.dir / name).write_text(text, encoding="utf-8")
        (self.dir / "webui-user.sh").write_text(
            'export COMMANDLINE_ARGS="--gradio-auth max:Launch1Pw --xformers"\nexport CIVITAI_API_KEY=Launch2Key\n'
        )
        (self.dir / "launch.py").write_text("")
        subprocess.run(["git", "init", "-q", str(self.dir)], check=True)
        (own / "20260101-000000-why-000003.log").write_text("saw Launch1Pw and Launch2Key somewhere\n")
        self.env = {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "USER": "annamaria",
            "COMPUTERNAME": "ANNAS-PC",
            "SDSETUP_LOG_DIR": str(own),
            "MY_API_KEY": "Env0Value-91x",
            "HTTPS_PROXY": "http://max:Env1Proxy@127.0.0.1:9",
            "NO_PROXY": "*",
        }
        self._report: str | None = None

    def filled(self, line: str) -> str:
        return line.replace("{dir}", str(self.dir)).replace("{home}", str(self.home))

    def report(self, profiles: Path) -> str:
        """The whole document as text in which every letter stands for itself."""
        if self._report is None:
            ended = sdsetup("report", "--json", "--dir", str(self.dir), "--profiles", str(profiles), **self.env)
            assert ended.returncode == 0, ended.stderr
            self._document = json.loads(ended.stdout)
            self._report = json.dumps(self._document, ensure_ascii=False).replace("\\\\", "\\").replace('\\"', '"')
        return self._report


@pytest.fixture
def report(told: Told, profiles: Path) -> str:
    return told.report(profiles)


@pytest.mark.parametrize(("line", "gone"), PROBES, ids=[line[:40] for line, _ in PROBES])
def test_it_is_gone(told: Told, report: str, line: str, gone: tuple[str, ...]) -> None:
    for secret in map(told.filled, gone):
        assert secret.lower() not in report.lower()


@pytest.mark.parametrize("line", NEEDED)
def test_what_a_helper_needs_is_there(report: str, line: str) -> None:
    assert report.count(line) == 4  # at both ends of two logs


def test_values_known_from_here_go_wherever_they_stand(report: str) -> None:
    for secret in ("Launch1Pw", "Launch2Key", "Env1Proxy", "Wolkenprojekt", "Anna-Maria", "annamaria", "ANNAS-PC"):
        assert secret.lower() not in report.lower()


def test_the_table_is_long_enough_and_most_lines_are_cut_not_dropped(report: str) -> None:
    assert len(PROBES) >= 150
    assert report.count(LEFT_OUT) < len(PROBES)  # in three logs
