"""--help: short, in groups, with examples that the command line takes; completion for four shells."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from command_line import refusal
from sdsetup.cli.app import COMMANDS, GROUPS, app, run
from sdsetup.cli.examples import EXAMPLES
from sdsetup.show import language

SRC = Path(__file__).parents[2] / "src"
GROUP: Any = typer.main.get_command(app)


def commands() -> Iterator[tuple[str, Any]]:
    """Each command that does something, with its words."""
    for name in COMMANDS:
        command = GROUP.get_command(None, name)
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            yield from ((f"{name} {word}", one) for word, one in below.items())


def parses(line: str) -> None:
    """The command line takes these words: nothing is missing, unknown, or of the wrong kind."""
    words = shlex.split(line.partition(" > ")[0])
    assert words[0] == "sdsetup"
    assert refusal(words) is None, line


def test_short_helps_are_short_and_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "wizard" in shown
    for group, names in GROUPS.items():
        assert f"\n{group}:\n" in shown
        for name, said in names.items():
            assert len(said) <= 55 and not said.endswith("."), name
            assert f"{name} " in shown and said in shown
    for name, command in commands():
        assert len(command.get_short_help_str(200)) <= 80, name


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_a_command_has_examples_that_it_takes(
    name: str, command: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert EXAMPLES[name], "an example for each command"
    for line, what in EXAMPLES[name]:
        parses(line)
        assert what and not what.endswith(".")
    assert any(line.startswith(f"sdsetup {name}") for line, _ in EXAMPLES[name])
    assert run([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(line in shown for line, _ in EXAMPLES[name])
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"
        assert len(parameter.help) <= 60, f"{name} {parameter.name}"


@pytest.mark.parametrize("name", [*COMMANDS, *(name for name, _ in commands() if " " in name)])
def test_russian_help_fits_and_is_not_cut(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--lang", "ru", *name.split(), "--help"]) == 0
    language.speak("en")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 or (line.endswith("...") and "[АРГУМЕНТЫ]" not in line)] == []
    assert [line for line in lines if line.endswith(":") and not re.search("[а-я]", line)] == []


def test_no_example_belongs_to_no_command() -> None:
    assert set(EXAMPLES) == {name for name, _ in commands()}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "pwsh"])
def test_completion_can_be_had_for(shell: str, tmp_path: Path) -> None:
    # Else the library asks which shell started the program; the name of one is then not taken.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    env = {**os.environ, **named, "PYTHONPATH": str(SRC), "HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "sdsetup"]
    show = [*argv, "--show-completion", shell]
    shown = subprocess.run(show, capture_output=True, text=True, env=env, timeout=60)
    assert shown.returncode == 0 and "_SDSETUP_COMPLETE" in shown.stdout, shown.stderr
    assert {"bash": "complete -o", "zsh": "#compdef", "fish": "complete --command"}.get(
        shell, "Register-ArgumentCompleter"
    ) in shown.stdout
    asked = {"COMP_WORDS": "sdsetup mod", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "sdsetup mod"}
    asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_WORD_TO_COMPLETE": "mod"}
    asked["_SDSETUP_COMPLETE"] = f"complete_{shell}"
    ended = subprocess.run(argv, capture_output=True, text=True, env={**env, **asked}, timeout=60)
    assert "model" in ended.stdout, ended.stderr
    assert "kit" not in ended.stdout
