"""Lines for people, without Rich: folding, colour, streams that cannot show everything."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from sdsetup.show.screen import Screen
from sdsetup.show.terminal import Terminal, folded
from sdsetup.text import Text

SRC = Path(__file__).parents[2] / "src"


def test_folding_breaks_at_blanks_only() -> None:
    assert folded("one two three four five", 20) == ["one two three four", "five"]
    path = "C:\\Users\\" + "x" * 60
    assert folded(f"look at {path} now", 30) == ["look at", path, "now"]
    assert folded("    kept indent of the first line", 20) == ["    kept indent of", "the first line"]
    assert folded("two\nlines", 80) == ["two", "lines"]
    assert folded("", 80) == [""]


@given(
    words=st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=20)),
    width=st.integers(20, 100),
)
def test_folding_keeps_every_word(words: list[str], width: int) -> None:
    lines = folded(" ".join(words), width)
    assert " ".join(lines).split() == " ".join(words).split()
    assert all(len(line) <= width for line in lines)


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("env", "tty", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a stand-in for a terminal")
def test_colour(env: dict[str, str], tty: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    stream = Tty() if tty else io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    Terminal().write([("good", "green"), (" day", ""), ("\n", "")])
    assert stream.getvalue() == ("\x1b[32mgood\x1b[0m day\n" if coloured else "good day\n")


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")
    assert Terminal().width == 123
    monkeypatch.setenv("COLUMNS", "wide")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert Terminal().width > 1000, "a pipe is not wrapped"


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", "✓"), ("cp1252", "+"), ("cp437", "+"), ("cp866", "+"), ("ascii", "+")]
)
def test_marks_that_the_stream_can_show(encoding: str, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    screen = Screen()
    assert screen.mark("ok") == mark
    screen.line(Text("{mark} fine", mark=screen.mark("ok")))
    stream.detach()


def test_rich_draws_the_lines_once_it_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.line(Text("before {x}", x=1))
    screen.console.print("between")
    screen.line("after [bold]not markup[/bold]", "red", indent=2)
    screen.command("a command")
    assert capsys.readouterr().out == "before 1\nbetween\n  after [bold]not markup[/bold]\na command\n"


def test_a_doctor_without_rich() -> None:
    code = (
        "import sys; from sdsetup.show.screen import Screen; from sdsetup.show import doctor;"
        "Screen().line('x'); print([m for m in sys.modules if m.split('.')[0] == 'rich'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=SRC, check=True)
    assert done.stdout == "x\n[]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a stand-in for a terminal")
def test_a_pipe_is_neither_wrapped_nor_padded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    sentence = "a word " * 40 + "and the last"
    screen = Screen()
    screen.line(Text("{sentence}", sentence=sentence))
    table = Table(box=None, show_header=False)
    table.add_row("short", sentence, "x")
    table.add_row("longer than that", "y", "z")
    screen.table(table, indent=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == sentence
    assert len(lines) == 3 and sentence in lines[1]
    assert [line for line in lines if line != line.rstrip()] == []
