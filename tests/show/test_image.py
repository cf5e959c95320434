"""The test image in terminals of several kinds, played by a test that answers as they do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from png import png

pexpect = pytest.importorskip("pexpect", reason="a terminal that a test can answer for")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals are another thing there", allow_module_level=True)

SRC = Path(__file__).parents[2] / "src"
# The library gives a terminal 0.1 s to answer, which a busy machine may need to wake this test up.
DRAW = """
import sys
from textual_image import _terminal
real = _terminal.read
_terminal.read = lambda descriptor, count, timeout: real(descriptor, count, {patience})
from pathlib import Path
from sdsetup.show.image import show_image
from sdsetup.show.screen import Screen
print("before")
show_image(Path({path!r}), Screen())
print("after")
"""
ENV = {"PYTHONPATH": str(SRC), "COLORTERM": "truecolor", "PYTHONIOENCODING": "utf-8"}


def drawing(path: Path, *, patience: float, **env: str) -> pexpect.spawn[str]:
    code = DRAW.format(path=str(path), patience=patience)
    given = {**ENV, "TERM": "xterm-256color", **env}
    return pexpect.spawn(
        sys.executable, ["-c", code], env=given, encoding="utf-8", timeout=60, dimensions=(40, 100)
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Red above, blue below."""
    path = tmp_path / "image.png"
    path.write_bytes(png([b"\xff\0\0" * 64] * 32 + [b"\0\0\xff" * 64] * 32))
    return path


def drawn_with(child: pexpect.spawn[str], *, attributes: str, kitty: bool, drawn: str) -> None:
    """Answer what the library asks, whichever way its version asks it, until it draws."""
    asked = [r"\x1b\[c", r"\x1b\[16t", r"\x1b_Gi=(\d+),[^\x1b]*a=q[^\x1b]*\x1b\\", drawn]
    while (which := child.expect(asked)) < 3:
        if which == 0:
            child.send(attributes)
        elif which == 1:
            child.send("\x1b[6;20;10t")
        elif kitty:
            child.send(f"\x1b_Gi={child.match[1]};OK\x1b\\")
    child.expect("after")


def test_a_terminal_with_sixel(image: Path) -> None:
    child = drawing(image, patience=30)
    drawn_with(child, attributes="\x1b[?62;4;22c", kitty=False, drawn=r"\x1bP[\d;]*q([^\x1b]*)\x1b\\")


def test_kitty(image: Path) -> None:
    child = drawing(image, patience=30)
    drawn_with(
        child,
        attributes="\x1b[?62;22c",
        kitty=True,
        drawn=r"\x1b_G(?!i=\d+,[^\x1b]*a=q)[^\x1b]*;[A-Za-z0-9+/=]+\x1b\\",
    )


def test_any_other_terminal_gets_half_blocks_in_color(image: Path) -> None:
    child = drawing(image, patience=0.05)
    child.expect("after")
    rows = [line for line in (child.before or "").splitlines() if "▀" in line]
    assert 4 <= len(rows) <= 16
    assert "38;2;255;0;0" in rows[0] and "38;2;0;0;255" in rows[-1]
    widths = {row.count("▀") for row in rows}
    assert len(widths) == 1 and widths.pop() == pytest.approx(
        2 * len(rows), abs=1
    )  # cells are twice as high as wide


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_where_nothing_can_be_drawn_nothing_is(image: Path, env: dict[str, str]) -> None:
    child = drawing(image, patience=0.05, **env)
    child.expect("before")
    child.expect("after")
    said = re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|_G[^\x1b]*\x1b\\)", "", child.before or "")
    assert said.strip() == ""


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n cut short"], ids=["empty", "text", "cut"]
)
def test_a_file_that_is_no_image_costs_no_word(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content)
    for broken in (path, tmp_path / "absent.png"):
        child = drawing(broken, patience=0.05)
        child.expect("after")
        assert "Error" not in (child.before or "") and "Traceback" not in (child.before or "")


def test_a_pipe_gets_no_image(image: Path) -> None:
    code = DRAW.format(path=str(image), patience=0.05)
    done = subprocess.run([sys.executable, "-c", code], env=ENV, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("before\nafter\n", "")
