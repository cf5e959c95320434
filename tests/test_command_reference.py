"""The command reference, the man page, and README's table say what --help says."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commands", ROOT / "tools" / "commands.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_they_are_what_help_says(tool: ModuleType) -> None:
    for path, text in tool.made().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: python tools/commands.py --write"


def test_the_reference_has_every_command_and_option(tool: ModuleType) -> None:
    page = tool.reference()
    for _, name, command in tool.commands():
        assert f"### sdsetup {name}\n" in page
        for parameter in command.params:
            assert all(f"{option}" in page for option in parameter.opts)


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_man_page_is_good_roff(tool: ModuleType) -> None:
    argv = ["groff", "-man", "-ww", "-z", "-Tutf8", "-rLL=100n", str(tool.MAN_PAGE)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
