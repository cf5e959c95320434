"""NVIDIA's library, compiled here to play a card whose numbers stand in a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "standin" / "nvml.c"


def library(folder: Path, *defines: str) -> Path:
    """The compiled library, under the name that Linux drivers give it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    made = folder / "-".join(("nvml", *defines)) / "libnvidia-ml.so.1"
    made.parent.mkdir(parents=True, exist_ok=True)
    options = [f"-D{define}" for define in defines]
    subprocess.run([compiler, "-shared", "-fPIC", "-w", *options, "-o", str(made), str(SOURCE)], check=True)
    return made


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
