"""NVIDIA's library, compiled here to play a card whose numbers stand in a file."""

from __future__ import annotations

import shutil
import subprocess
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
