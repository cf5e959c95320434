"""No sentence breaks a command over lines, in any language; one that ends with a command gives it its own line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from sdsetup.cli.app import COMMANDS
from sdsetup.command import Command
from sdsetup.errors import SdsetupError
from sdsetup.show.commands import carry_dir, forget_run, typed
from sdsetup.show.errors import show_error
from sdsetup.show.screen import Screen
from sdsetup.show.tuning import sentence
from sdsetup.show.words import say
from sdsetup.text import Text

CATALOGUE = Path(__file__).parents[2] / "src/sdsetup/locale/ru/LC_MESSAGES/sdsetup.po"
OURS = rf"sdsetup (?:{'|'.join(COMMANDS)})\b"
TICKED = re.compile(r"`([^`]*[ {][^`]*)`")
LAST = re.compile(rf": (?:`([^`]+)`|({OURS}[^`]*))$")
# Words with which a command of another program begins, where it is to be pasted.
FOREIGN = re.compile(
    r"\b(?:sudo [a-z]+ -|git (?:checkout|pull|stash|clone)|pip install|export [A-Z_]+=|set [A-Z_]+=)"
)
FOLDER = "/games/Stable Diffusion {new}"


def templates() -> Iterator[str]:
    for message in read_po(io.BytesIO(CATALOGUE.read_bytes())):
        for forms in (message.id, message.string):
            yield from (forms,) if isinstance(forms, str) else forms


ALL = sorted(set(templates()) - {""})
WITH_COMMANDS = [template for template in ALL if TICKED.search(template) or LAST.search(template)]


def filled(template: str) -> Text:
    names = set(re.findall(r"\{(\w+)", template))
    return Text(template, **dict.fromkeys(names, "a value")) if names else Text(template)


def commands(template: str) -> list[str]:
    """As a user has to see them."""
    said = re.sub(r"\{\w+\}", "a value", template)
    found = [match[1] for match in TICKED.finditer(said)]
    if last := LAST.search(said):
        found.append(last[1] or last[2])
    return [typed(one) if one.startswith("sdsetup ") else one for one in found]


@pytest.fixture(autouse=True)
def run_with_a_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SDSETUP_COMMAND", raising=False)
    forget_run()
    carry_dir(Path(FOLDER))
    yield
    forget_run()


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    seen = capsys.readouterr()
    return [line.strip() for line in (seen.out + seen.err).splitlines()]


def test_there_are_some() -> None:
    assert len(WITH_COMMANDS) > 60


@pytest.mark.parametrize("template", WITH_COMMANDS)
def test_no_width_breaks_one(
    template: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (*range(40, 81, 3), 60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        text = filled(template)
        Screen().line(text, indent=2)
        Screen().line(sentence(text), indent=6)
        show_error(SdsetupError("It failed", code="x", hint=text), None)
        lines = shown(capsys)
        for command in commands(template):
            assert sum(line.count(command) for line in lines) >= 3, (width, command, lines)
        if last := LAST.search(template):
            alone = commands(template)[-1]
            assert lines.count(alone) == 3, (width, last, lines)


def test_commands_of_other_programs_are_marked_as_such() -> None:
    """Only what stands between backticks is known to be one."""
    assert not [template for template in ALL if FOREIGN.search(re.sub(r"`[^`]*`", "", template))]


def test_no_value_stands_in_a_command_of_ours() -> None:
    """It could hold anything: `Command` quotes it, a sentence does not."""
    assert not [template for template in ALL if re.search(rf"(?:`|: ){OURS}[^`]*\{{", template)]


def test_none_stands_behind_a_colon_in_the_middle() -> None:
    """At the end it has a line of its own, and between backticks it is whole."""
    in_the_middle = re.compile(rf": {OURS}[^`]*\. [A-ZА-Я]")
    assert not [template for template in ALL if in_the_middle.search(template)]


def test_the_folder_of_a_run_may_hold_braces() -> None:
    said = say(Text("{what}; then run `sdsetup undo`, or: sdsetup status", what="x"))
    undo, status = typed("sdsetup undo"), typed("sdsetup status")
    assert FOLDER in undo
    assert said == f"x; then run `{undo}`, or: {status}"


def test_a_folder_with_blanks_stays_in_one_piece(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    Screen().line(Text("To undo this, run {command} in a terminal.", command=Command("sdsetup", "undo")))
    assert any(typed("sdsetup undo") in line for line in shown(capsys))
