"""Commands on screens: typed as this run was started, with its folder and its practice run, on their own line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from sdsetup.cli.app import COMMANDS, app
from sdsetup.command import Command
from sdsetup.show.commands import CARRIES, as_typed, carry_dir, carry_language, carry_practice, forget_run, typed
from sdsetup.show.screen import Screen
from sdsetup.text import Text


@pytest.fixture(autouse=True)
def new_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SDSETUP_COMMAND", raising=False)
    forget_run()
    yield
    forget_run()


def leaves(command: Any) -> list[Any]:
    """A command, or those of a group."""
    return list(command.commands.values()) if hasattr(command, "commands") else [command]


def test_what_a_command_carries_are_options_that_it_has() -> None:
    assert set(CARRIES) == set(COMMANDS)
    group: Any = typer.main.get_command(app)
    for name, carried in CARRIES.items():
        for command in leaves(group.get_command(None, name)):
            options = {option for parameter in command.params for option in parameter.opts}
            assert set(carried) <= options, f"{name} {command.name}"


def test_a_command_is_typed_as_the_program_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command("sdsetup", "doctor", family="linux")
    assert typed(command) == typed("sdsetup doctor") == "sdsetup doctor"
    monkeypatch.setattr(sys, "prefix", "/home/x/.cache/uv/archive-v0/Ab12")
    assert typed(command) == "uvx sdsetup doctor"
    assert as_typed("Then run: sdsetup install --ref x") == "Then run: uvx sdsetup install --ref x"
    monkeypatch.setenv("SDSETUP_COMMAND", "./sdsetup.sh")
    assert typed(command) == "./sdsetup.sh doctor"


def test_it_carries_the_folder_and_the_practice_run(tmp_path: Path) -> None:
    carry_dir(tmp_path / "a b")
    at = f'--dir "{tmp_path / "a b"}"'
    assert typed("sdsetup undo") == f"sdsetup undo {at}"
    assert as_typed("`sdsetup undo` goes back.") == f"`sdsetup undo {at}` goes back."
    assert typed(Command("sdsetup", "undo", "--dir", "/x", family="linux")) == "sdsetup undo --dir /x"
    assert typed("sdsetup kit make FOLDER") == "sdsetup kit make FOLDER"
    assert typed("pip install x") == "pip install x"
    carry_practice(tmp_path / "usual")
    assert typed("sdsetup undo") == f"sdsetup undo {at} --rehearse"
    carry_dir(tmp_path / "usual")
    assert typed("sdsetup undo") == "sdsetup undo --rehearse"
    assert typed(Command("sdsetup", "undo", "--dir", tmp_path / "usual")) == "sdsetup undo --rehearse"
    assert typed("sdsetup install", carried=False) == "sdsetup install"


def test_it_carries_the_language_that_was_typed() -> None:
    carry_language("ru")
    assert typed("sdsetup doctor") == "sdsetup doctor --lang ru"
    assert typed(Command("sdsetup", "kit", "check", "/k")) == "sdsetup kit check /k --lang ru"
    assert as_typed("Then run: sdsetup self update") == "Then run: sdsetup self update --lang ru"
    assert typed("sdsetup doctor --lang en") == "sdsetup doctor --lang en"
    assert typed(Command("sdsetup", "COMMAND", "--help")) == "sdsetup COMMAND --help"


def test_a_command_at_the_end_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    command = Command("sdsetup", "install", "--dir", "/a very/long folder/that is wider than the window")
    screen = Screen()
    screen.line(Text("Install it first: {command}", command=command), indent=2)
    screen.field("fix:", Text("Install it first: {command}", command=command))
    screen.line(Text("You can use {command} later.", command=Command("sdsetup", "doctor")))
    assert capsys.readouterr().out.splitlines() == [
        "  Install it first:",
        f"    {command}",
        "  fix:  Install it first:",
        f"          {command}",
        "You can use sdsetup doctor later.",
    ]
