"""The pictures in docs/screens say what the program prints; tools/screens.py draws them anew."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screens", ROOT / "tools" / "screens.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["screens"] = module  # its dataclass looks for its own module there
    spec.loader.exec_module(module)
    return module


SCREENS = tool()


@pytest.mark.skipif(sys.platform != "linux" or bool(shutil.which("nvidia-smi")), reason="drawn on such a machine")
@pytest.mark.parametrize(
    "shot",
    [
        pytest.param(shot, marks=[pytest.mark.slow] if shot.slow else [], id=f"{shot.name}-{shot.lang}")
        for shot in SCREENS.SHOTS
    ],
)
def test_a_picture_is_not_stale(shot: Any) -> None:
    there = shot.file.read_text(encoding="utf-8")
    now = SCREENS.drawn(shot, SCREENS.shown(shot))
    assert SCREENS.text_of(there) == SCREENS.text_of(now), f"python tools/screens.py {shot.name}"


@pytest.mark.parametrize(("readme", "folder"), [("README.md", ""), ("README.ru.md", "ru/")])
def test_the_readme_shows_pictures_of_its_language(readme: str, folder: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    named = [line.rpartition("(")[2].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert named == [f"docs/screens/{folder}{name}.svg" for name in ("doctor", "tune", "install")]
    assert all((ROOT / name).is_file() for name in named)


def test_there_is_no_other_picture() -> None:
    assert set(SCREENS.FOLDER.rglob("*.svg")) == {shot.file for shot in SCREENS.SHOTS}
