"""In the wizard nobody is told of options: it asks questions instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.show.wizard import without_options
from sdsetup.text import Text

SOURCE = Path(__file__).parents[2] / "src" / "sdsetup"
# What an installation that was begun by the wizard's questions can end with.
FILES = (SOURCE / "decide" / "refusals.py", SOURCE / "execute" / "download" / "problems.py")


def errors_with_options() -> Iterator[str]:
    """The codes of errors whose hint has an option in it."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if "hint" in given and isinstance(code := given.get("code"), ast.Constant):
                words = [part.value for part in ast.walk(given["hint"]) if isinstance(part, ast.Constant)]
                if any(isinstance(word, str) and "--" in word for word in words):
                    yield str(code.value)


CODES = sorted(set(errors_with_options()))


def test_there_are_some() -> None:
    assert len(CODES) > 8


@pytest.mark.parametrize("code", CODES)
def test_the_wizard_has_another_hint(code: str) -> None:
    error = without_options(SdsetupError("It failed", code=code, hint=Text("Add --option.")))
    assert error.hint is not None and "--" not in str(error.hint)


def test_any_other_hint_stays() -> None:
    assert without_options(SdsetupError("It failed", code="other", hint="Wait.")).hint == "Wait."
