"""The whole product in a folder of its own, run as a person would run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from played_card import nvidia_smi

ROOT = Path(__file__).parents[2]


class Rehearsal:
    """One rehearsal in a home of its own; `card` puts a stand-in nvidia-smi on PATH."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.cache = home / "cache"
        self.dir = self.cache / "rehearsal" / "webui"
        self.ledger = self.cache / "rehearsal" / "stand-ins" / "served.jsonl"
        self.part = self.dir / "models" / "Stable-diffusion" / "model.safetensors.part"
        names = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "COVERAGE_PROCESS_CONFIG")
        self.env = {name: os.environ[name] for name in names if name in os.environ}
        self.env |= {"HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "SDSETUP_CACHE_DIR": str(self.cache)}
        self.env |= {"SDSETUP_DATA_DIR": str(home / "data"), "SDSETUP_LOG_DIR": str(home / "log")}

    def card(self, **fields: str) -> None:
        """Put this card into the machine: fields as nvidia-smi's queries name them (with _ for .)."""
        said = {name.replace("__", "."): value for name, value in fields.items()}
        program = nvidia_smi(self.home, said)
        self.env["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"

    def sdsetup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sdsetup", *arguments],
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.sdsetup("install", "--rehearse", "--yes", *more)

    def kill_after(self, seconds: float) -> bool:
        """Start it and kill it; whether it was still running then."""
        child = subprocess.Popen(
            [sys.executable, "-m", "sdsetup", "install", "--rehearse", "--yes"],
            env=self.env,
            cwd=self.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            return True
        assert child.returncode == 0
        return False

    def transfers(self) -> list[dict[str, int]]:
        """Pieces of the model that were sent, in order."""
        if not self.ledger.is_file():
            return []
        lines = [json.loads(line) for line in self.ledger.read_text().splitlines()]
        return [line for line in lines if line["file"] == "files/model.safetensors"]

    def launch_file(self) -> str:
        return (self.dir / ("webui-user.bat" if os.name == "nt" else "webui-user.sh")).read_text()

    def assert_whole(self) -> None:
        head = subprocess.run(
            ["git", "-C", str(self.dir), "status", "--porcelain"], capture_output=True, text=True, check=True
        )
        # The launch file is a tracked file of the web UI that everybody edits; nothing else may differ.
        assert {line[3:] for line in head.stdout.splitlines()} <= {"webui-user.sh", "webui-user.bat"}
        model = self.dir / "models" / "Stable-diffusion" / "model.safetensors"
        stand_in = self.cache / "rehearsal" / "stand-ins" / "files" / "model.safetensors"
        assert model.read_bytes() == stand_in.read_bytes()
        assert not self.part.exists()
        for name in ("BLIP", "k-diffusion", "generative-models", "stable-diffusion-stability-ai"):
            assert (self.dir / "repositories" / name / "README.md").is_file()
        assert "--" in self.launch_file()
        journal = json.loads((self.dir / ".sdsetup" / "journal.json").read_text())
        assert {"webui", "environment", "model", "torch", "check", "picture"} <= set(journal["steps"])
        assert list((self.dir / ".sdsetup" / "proof").glob("*.png"))


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path)
