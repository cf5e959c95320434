"""Every command in a profile, or in a sentence of the source, is one that the real command line takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli

from command_line import refusal
from sdsetup.cli.app import COMMANDS

ROOT = Path(__file__).parents[2]
# Between backticks, or at the end of a sentence.
_OURS = rf"sdsetup (?:{'|'.join(COMMANDS)})\b"
_IN_TEXT = re.compile(rf"`({_OURS}[^`]*)`|(?<=: )({_OURS}.*?)(?:\. .*|\.)?$", re.MULTILINE)


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each string of a profile with its key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)
    elif isinstance(value, str):
        yield key, value


def of_profiles() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "profiles").rglob("*.toml")):
        for key, text in texts(tomli.loads(path.read_text(encoding="utf-8"))):
            if key == "command":
                yield path.name, text
            else:
                yield from ((path.name, found[1] or found[2]) for found in _IN_TEXT.finditer(text))


def of_the_source() -> Iterator[tuple[str, str]]:
    """Commands in the strings that are not docstrings."""
    for path in sorted((ROOT / "src" / "sdsetup").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
                text = node.value
                yield from ((path.name, found[1] or found[2]) for found in _IN_TEXT.finditer(text))
                if re.match(_OURS, text):
                    yield path.name, text


FOUND = sorted({*of_profiles(), *of_the_source()})


def test_there_are_some() -> None:
    assert len({command for _, command in FOUND}) > 60


@pytest.mark.parametrize(("file", "command"), FOUND, ids=[f"{file}: {command}" for file, command in FOUND])
def test_it_can_be_run(file: str, command: str) -> None:
    words = shlex.split(re.sub(r"\{\w+\}", "1", command.partition(" > ")[0]))
    assert words, file
    if words[0] == "sdsetup":
        assert refusal(words) is None, command
