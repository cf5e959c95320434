"""NVIDIA's library, compiled here to play a card whose numbers stand in a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdsetup.machine import answers

SOURCE = Path(__file__).parent / "standin" / "nvml.c"
SRC = Path(__file__).parents[1] / "src"


def library(folder: Path, *defines: str, source: Path = SOURCE) -> Path:
    """The compiled library, under the name that Linux drivers give it: found by LD_LIBRARY_PATH."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    made = folder / "-".join(("nvml", *defines)) / "libnvidia-ml.so.1"
    made.parent.mkdir(parents=True, exist_ok=True)
    options = [f"-D{define}" for define in defines]
    subprocess.run([compiler, "-shared", "-fPIC", "-w", *options, "-o", str(made), str(source)], check=True)
    return made


def says(where: Path, code: str, **env: str) -> Any:
    """What an expression of ours is worth where this library is the driver's: a process loads one only."""
    program = (
        "from sdsetup.machine import nvml\n"
        "from sdsetup.machine.answers import CardProgram, CardUse, NvmlAnswer, NvmlGpu\n"
        f"print(repr({code}))"
    )
    around = {**os.environ, "LD_LIBRARY_PATH": str(where.parent), "PYTHONPATH": str(SRC), **env}
    ended = subprocess.run([sys.executable, "-c", program], env=around, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return eval(ended.stdout, vars(answers))


def nvidia_smi(folder: Path, said: dict[str, str]) -> Path:
    """A stand-in for the driver's program; `said`: fields as its queries name them."""
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"said = {said!r}\n"
        "asked = next((a.split('=')[1] for a in sys.argv if a.startswith('--query-gpu=')), None)\n"
        "print(', '.join(said.get(name, '[N/A]') for name in asked.split(',')) if asked else '')\n"
    )
    program.chmod(0o755)
    return program
