"""Foreign text never steers a terminal: not in lines, bars, tables, errors, or in words about options."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sdsetup.command import Command
from sdsetup.decide.events import Event
from sdsetup.decide.plan import Plan
from sdsetup.errors import SdsetupError
from sdsetup.show.console import HarmlessConsole
from sdsetup.show.errors import show_error
from sdsetup.show.live import Live
from sdsetup.show.screen import Screen
from sdsetup.show.terminal import folded
from sdsetup.show.words import say
from sdsetup.text import Lines, Text, harmless

EVIL = "a\x1b[2J\x1b]0;title\x07\x9b31m\r\x08\nfix: run evil\u202egpj\u2066\u200b\ufeff\U000e0041\udcff\x7fz"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What Rich says itself to draw a bar anew: lines up, erase, cursor off and on.
STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")

anything = st.text(st.characters(), max_size=60)


def steers(letter: str) -> bool:
    drawn = (0x600 <= ord(letter) <= 0x8E2 and ord(letter) != 0x61C) or 0x110BD <= ord(letter) <= 0x1343F
    return (
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and not drawn
    )  # drawn: signs before numbers


def assert_harmless(said: str, lines: int | None = None) -> None:
    for letter in said:
        assert letter == "\n" or not steers(letter), repr(letter)
    if lines is not None:
        assert said.count("\n") == lines


@given(text=anything)
def test_no_letter_that_steers_is_left(text: str) -> None:
    assert_harmless(harmless(text), 0)
    assert_harmless(harmless(text, lines=True), text.count("\n"))
    assert harmless(harmless(text)) == harmless(text)
    assert harmless(text).encode("utf-8").decode() == harmless(text)


def test_every_letter_that_steers_or_is_not_seen_is_meant() -> None:
    letters = [chr(code) for code in range(0x110000)]
    assert [letter for letter in letters if steers(letter) and not harmless(letter).isascii()] == []


@pytest.mark.parametrize("text", ["Привет, мир", "日本語", "café", "a  b", "C:\\x", "✓ ok", "naïve – “quotes”"])
def test_what_is_only_letters_stays(text: str) -> None:
    assert harmless(text) == text


def console() -> tuple[io.StringIO, Screen]:
    out = io.StringIO()
    return out, Screen(console=HarmlessConsole(file=out, width=200, force_terminal=False))


@given(name=anything)
def test_a_name_in_a_sentence_stays_on_its_line(name: str) -> None:
    said = say(Text("There is {name} in {count:02d} places\nand a second line", name=name, count=3))
    assert_harmless(said, 1)
    assert (
        say(Text("{outer}", outer=Text("{name}", name=Path("/x") / name.replace("\0", "") / "y"))).count("\n") == 0
    )
    assert say(Text("a\n{lines}", lines=Lines([name, name]))).count("\n") == 2


@pytest.mark.parametrize("rich", [False, True])
def test_screens(rich: bool, capsys: pytest.CaptureFixture[str]) -> None:
    out, drawn = console()
    screen = drawn if rich else Screen()
    screen.line(Text("{name}", name=EVIL))
    screen.line(EVIL)
    screen.field("x", EVIL)
    screen.write([(EVIL, "bold")])
    screen.command(EVIL)
    show_error(
        SdsetupError(Text("{x}", x=EVIL), code="a", hint=Text("{x}", x=EVIL), where=EVIL, why=EVIL),
        Path("/x"),
        screen,
    )
    said = out.getvalue() if rich else capsys.readouterr().out
    assert "\\x1b[2J" in said and "\\u202e" in said and "\\udcff" in said
    assert_harmless(said)
    if not rich:
        assert not [line for line in said.splitlines() if line.startswith("fix: run evil")][3:]


def test_an_error_that_holds_only_foreign_words_says_them_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(SdsetupError(EVIL, code="a", hint=None, where=EVIL, why=EVIL), None, Screen())
    assert not [line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("fix:")]


def test_bars_and_tables() -> None:
    out = io.StringIO()
    screen = Screen(console=HarmlessConsole(file=out, width=100, force_terminal=True, color_system=None))
    plan = Plan(dir="/x", steps=(), free_bytes=None)
    with Live(plan, screen) as live:
        live.listen(Event(kind="started", step=EVIL))
        live.listen(Event(kind="progress", step=EVIL, done=1, total=10, source=EVIL))
        time.sleep(0.3)
        live.listen(Event(kind="note", step=EVIL, text=Text(EVIL)))
        live.listen(Event(kind="finished", step=EVIL, text=Text("{x}", x=EVIL)))
    said = out.getvalue()
    for theirs in ("\x1b[2J\x1b]", "\x1b]0", "\x07", "\x9b", "\u202e", "\u200b", "\udcff", "\x08"):
        assert theirs not in said
    assert_harmless(STEERING.sub("", said))


def test_rich_alone_would_let_it_through() -> None:
    """Why there is a console of our own."""
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(EVIL.replace("\udcff", ""), markup=False)
    assert "\u202e" in out.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="such arguments cannot be given there")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--x\x1b[31mred\n"],
        ["\x1b[2Jcmd\nError: y"],
        ["doctor", "\x1b[31mx\u202e"],
        ["tune", "--ram", "\x9b1\n2"],
        ["doctor", "--dir", "/\x1b[2J\nfix:x/\udcff"],
    ],
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_was_typed_is_repeated_harmlessly(arguments: list[str], stream: str, tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "sdsetup", *arguments], capture_output=True, cwd=tmp_path)
    assert_harmless(getattr(ended, stream).decode())
    assert ended.returncode in (0, 1, 2)


@given(words=st.lists(st.sampled_from(["a", "b b", "it's", "x" * 30]), max_size=5), width=st.integers(20, 60))
def test_a_command_in_a_sentence_is_never_broken(words: list[str], width: int) -> None:
    command = Command("sdsetup", "install", *words, family="linux")
    lines = folded(say(Text("Do it now: {c}", c=command)), width, (str(command),))
    assert sum(line.count(command) for line in lines) == 1


def test_blanks_in_names_stay() -> None:
    assert folded("the folder a  b   c", 80) == ["the folder a  b   c"]


def test_our_own_name_is_replaced_in_our_words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDSETUP_COMMAND", "./my dir/sdsetup.sh")
    said = say(
        Text(
            "Run sdsetup why or {c} in {dir}",
            c=Command("sdsetup", "undo", "--dir", "sdsetup install", family="linux"),
            dir="/sdsetup tune",
        )
    )
    assert (
        said
        == 'Run "./my dir/sdsetup.sh" why or "./my dir/sdsetup.sh" undo --dir "sdsetup install" in /sdsetup tune'
    )
