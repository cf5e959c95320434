"""`sdsetup verify`: exit codes, JSON, and what is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import document
from installations import HERE, installation, play, starts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in's launch file is a .sh here")


def verify(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "COMMANDLINE_ARGS"} | {
        "PYTHONPATH": str(HERE.parent / "src"),
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
    }
    argv = [sys.executable, "-m", "sdsetup", "verify", "--dir", str(root), *options]
    return subprocess.run(
        argv, capture_output=True, text=True, encoding="utf-8", env=env, timeout=100, check=False
    )


def test_a_healthy_installation(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", flags="--xformers --port 7860")
    before = (root / "webui-user.sh").read_bytes()
    done = verify(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The web UI works" in done.stdout
    assert "picture-" in done.stdout
    assert (root / "webui-user.sh").read_bytes() == before
    assert not (root / ".sdsetup" / "learned.json").exists()


def test_it_uses_the_environment_that_the_launch_file_names(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "venv").rename(root / "other")
    launch_file = root / "webui-user.sh"
    launch_file.write_text(launch_file.read_text() + 'venv_dir="other"\n')
    done = verify(root)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_json_document_and_nothing_else_on_standard_output(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", cuda={"reserved": {"peak": 3_000_000_000}})
    done = verify(root, "--json")
    assert done.returncode == 0
    said = document(done.stdout)
    assert said["schema"] == "sdsetup.verify/1"
    assert said["ok"] is True
    assert Path(said["picture"]).is_file()
    assert (said["peak_bytes"], said["memory"]) == (3_000_000_000, "vram")
    assert said["problem"] is None
    assert set(said) >= {
        "dir",
        "flags",
        "added",
        "dropped",
        "reasons",
        "attempts",
        "launch_files",
        "picture_seconds",
        "start_seconds",
        "model_seconds",
        "log",
    }
    assert "Creating the test image." in done.stderr


def test_what_a_picture_needed_is_kept_with_its_reason(tmp_path: Path) -> None:
    root = installation(
        tmp_path / "sd", flags="--xformers", pictures=[[["--no-half-vae"], "noise"], [[], "black"]]
    )
    done = verify(root)
    assert done.returncode == 0, done.stdout + done.stderr
    text = " ".join(done.stdout.split())
    assert "The image was black. Adding --no-half-vae fixed it." in text
    kept = (root / "webui-user.sh").read_text()
    assert "--no-half-vae" in kept
    assert "--xformers" in kept
    learned = json.loads((root / ".sdsetup" / "learned.json").read_text())
    assert learned["lessons"][0]["add_flags"] == ["--no-half-vae"]
    again = document(verify(root, "--json").stdout)
    assert again["added"] == []
    assert starts(root)[-1]["arguments"][:2] == ["--xformers", "--no-half-vae"]


def test_a_tier_down_replaces_the_tier(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", flags="--medvram-sdxl", pictures=[[["--lowvram"], "noise"], [[], "oom"]])
    said = document(verify(root, "--json").stdout)
    assert said["ok"] is True
    assert (said["added"], said["dropped"]) == (["--lowvram"], ["--medvram-sdxl"])
    assert [attempt["outcome"] for attempt in said["attempts"]] == ["out-of-memory", "out-of-memory", "good"]
    kept = (root / "webui-user.sh").read_text()
    assert "--lowvram" in kept
    assert "--medvram" not in kept


def test_a_failure_has_exit_code_1_and_names_the_cause(tmp_path: Path) -> None:
    root = installation(
        tmp_path / "sd", model="failed", model_error="_pickle.UnpicklingError: invalid load key, '<'."
    )
    done = verify(root)
    assert done.returncode == 1
    assert "A model file is damaged" in done.stdout
    assert f"sdsetup model check --dir {root}" in done.stdout
    said = document(verify(root, "--json").stdout)
    assert said["ok"] is False
    assert said["problem"]["code"] == "picture-failed"
    assert said["attempts"][0]["diagnosis"]["id"] == "damaged-model"


def test_a_failure_withdraws_what_was_believed_until_an_image_proves_it(tmp_path: Path) -> None:
    root = installation(
        tmp_path / "sd", model="failed", model_error="_pickle.UnpicklingError: invalid load key, '<'."
    )
    (root / ".sdsetup").mkdir()
    distrusted = root / ".sdsetup" / "distrust.json"
    assert verify(root).returncode == 1
    assert json.loads(distrusted.read_text())["why"]
    play(root)
    assert verify(root).returncode == 0
    assert not distrusted.exists()


def test_what_was_tried_in_vain_is_listed(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", pictures=[[[], "black"]])
    done = verify(root)
    assert done.returncode == 1
    assert "black: --no-half-vae" in done.stdout
    assert "test image is black" in done.stdout + done.stderr
