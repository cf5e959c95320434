"""What `sdsetup fix` does about a failure: the web UI fails in that way, the fix is carried out, and it starts."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from test_fix_command import fix, logged, mended, runs
from test_launch import environment

from installations import installation, starts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of a terminal")


def web_ui(root: Path, **scenario: object) -> Path:
    """One that `tune` takes for a web UI, too."""
    installation(root, **scenario)  # type: ignore[arg-type]
    (root / "webui.py").touch()
    (root / "modules").mkdir()
    (root / "modules" / "launch_utils.py").touch()
    return root


def crash(folder: Path, said: str) -> str:
    path = folder / "said.txt"
    path.write_text(said, encoding="utf-8")
    return str(path)


def failed(root: Path) -> None:
    """A start that ends by itself, and leaves its log."""
    ended = subprocess.run(
        [sys.executable, "-m", "sdsetup", "launch", "--no-browser", "--dir", str(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(),
        timeout=100,
    )
    assert ended.returncode == 1, ended.stdout.decode()


REFUSED = "usage: launch.py [-h]\nlaunch.py: error: unrecognized arguments: {}\n"


@pytest.mark.parametrize(
    ("flags", "stops_at", "said", "left"),
    [
        ("--medvrm --listen", "--medvrm", REFUSED.format("--medvrm"), ["--listen"]),
        ("--listen —medvram", "—medvram", REFUSED.format("—medvram"), ["--listen"]),
        ("--use-directml --port 7900", "--use-directml", REFUSED.format("--use-directml"), ["--port", "7900"]),
        (
            "--device-id 7 --listen",
            "--device-id",
            "RuntimeError: CUDA error: invalid device ordinal\n",
            ["--listen"],
        ),
        (
            "--precision half --listen",
            "--precision",
            "ValueError: --no-half and --no-half-vae conflict with --precision half\n",
            ["--listen", "--no-half"],
        ),
        (
            "--listen --port 7900x",
            "7900x",
            "launch.py: error: argument --port: invalid int value: '7900x'\n",
            ["--listen"],
        ),
    ],
)
def test_a_flag_at_which_it_stops_comes_out_of_the_launch_file(
    tmp_path: Path, flags: str, stops_at: str, said: str, left: list[str]
) -> None:
    crashing = crash(tmp_path, said)
    root = web_ui(tmp_path / "sd", flags=flags, starts=[[[stops_at], "crash"]], crash=crashing)
    failed(root)
    mended(root, runs)
    given = starts(root)[-1]["arguments"]
    assert stops_at not in given
    assert set(left) <= set(given)
    kept = [path.read_text(encoding="utf-8") for path in root.glob("webui-user.sh.*.bak")]
    assert any(flags in text for text in kept)


def test_the_command_to_paste_takes_the_same_flag_out(tmp_path: Path) -> None:
    root = web_ui(tmp_path / "sd", flags="--medvrm --listen")
    logged(root, REFUSED.format("--medvrm"))
    said = fix("--dir", str(root)).stdout.decode()
    command = next(line.strip() for line in said.splitlines() if line.strip().startswith("sdsetup tune --apply"))
    words = [*shlex.split(command)[1:], "--yes"]
    subprocess.run([sys.executable, "-m", "sdsetup", *words], env=environment(), check=True, timeout=100)
    assert "--medvrm" not in (root / "webui-user.sh").read_text()


def test_a_word_that_is_no_flag_is_left_to_the_user(tmp_path: Path) -> None:
    root = web_ui(tmp_path / "sd", flags="--listen medvram")
    logged(root, REFUSED.format("medvram"))
    said = fix("--dir", str(root), "--yes").stdout.decode()
    assert "sdsetup tune" not in said
    assert not (root / "given.jsonl").exists()


def test_an_empty_torch_command_gives_way_to_ours(tmp_path: Path) -> None:
    root = web_ui(tmp_path / "sd", env={"TORCH_COMMAND": ""})
    logged(root, 'RuntimeError: Couldn\'t install torch.\nCommand: "/sd/venv/bin/python" -m \nError code: 2\n')
    mended(root, runs)
    assert starts(root)[-1]["env"]["TORCH_COMMAND"].startswith("pip install torch==")


def test_settings_for_the_processor_are_written_where_half_precision_fails(tmp_path: Path) -> None:
    root = web_ui(tmp_path / "sd")
    logged(root, "RuntimeError: \"addmm_impl_cpu_\" not implemented for 'Half'\n")
    mended(root, runs)
    assert "--no-half" in starts(root)[-1]["arguments"]


def test_more_precision_finds_what_paints_and_starts_with_it(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", pictures=[[["--no-half-vae"], "noise"], [[], "nan-vae"]])
    logged(root, "modules.devices.NansException: A tensor with all NaNs was produced in VAE. Use --no-half-vae\n")
    mended(root, runs)
    assert "--no-half-vae" in starts(root)[-1]["arguments"]
