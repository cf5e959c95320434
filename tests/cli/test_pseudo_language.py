"""In a language of accented letters, what a screen still says in plain ones has escaped the translators."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pseudo import Pseudo
from sdsetup.cli.app import COMMANDS, run
from sdsetup.show import language

# Two plain words beside each other. Commands, paths, names of packages and models have others, or stand alone.
_ENGLISH = re.compile(r"(?<![\w./:=~\\-])[a-z]{2,}(?: [a-z]{2,})+(?![\w./=-])")
# Commands, the lines of a launch file, and what is quoted from a log.
_COMMAND = re.compile(r"^\s*(?:(?:sdsetup|sudo|set|rem|call|export|@echo|source)\b|#|šēēń:)")
_VALUES = re.compile(r"`[^`]*`|sdsetup [a-z]+(?: [a-z-]+)*|sudo [a-z ]+|\([^)]*sudo[^)]*|rule [a-z/-]+")


@pytest.fixture(autouse=True)
def pseudo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    speak = language.speak
    monkeypatch.setattr(language, "speak", lambda _code, _catalogue=None: speak("qps", Pseudo()))
    yield
    monkeypatch.undo()
    speak("en")


def plain(shown: str) -> list[str]:
    lines = [_VALUES.sub("", line) for line in shown.splitlines() if not _COMMAND.match(line)]
    return [found[0] for line in lines for found in _ENGLISH.finditer(line)]


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("model", "get"), ("kit", "make")])
def test_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run((*command, "--help")) == 0
    shown = capsys.readouterr().out
    # Examples are commands with what they do behind them.
    assert plain(re.sub(r"(?m)^ +(?:\./)?sdsetup.*?  +", "", shown)) == []


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "-v"),
        ("doctor",),
        ("tune", "--gpu", "RTX 3060", "--vram", "8", "--os", "windows", "--ram", "16"),
        ("tune", "--gpu", "RX 580", "--vram", "8", "--os", "linux", "-v"),
        ("tune", "--vram", "8", "--os", "windows", "--compare", "article-2023"),
        ("why", "--medvram", "--vram", "4", "--os", "windows"),
        ("why", "torch", "--gpu", "RTX 5090", "--vram", "32", "--os", "linux"),
        ("model", "list"),
        ("status",),
        ("undo", "--list"),
        ("extensions", "list"),
        ("clean", "--dry-run"),
        ("install", "--rehearse", "--dry-run"),
        ("fix", str(Path(__file__).parents[1] / "samples" / "logs" / "access-denied.txt")),
        ("tune", "--gpu", "unheard-of"),
        ("install", "--kit-sha256", "0"),
        ("bogus",),
        ("undo", "--to", "first"),
    ],
)
def test_a_screen_says_nothing_that_is_no_message(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(words)
    shown = capsys.readouterr()
    assert plain(shown.out + shown.err) == []


def test_plain_words_are_found() -> None:
    assert plain("ńōţ this one\n  sdsetup tune --vram 8\n/tmp/a/b") == ["this one"]


def test_a_sentence_of_a_profile_inside_another_is_translated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("tune", "--model-class", "flux")) == 2
    assert " or " not in capsys.readouterr().err
