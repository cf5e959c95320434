"""Text with a little colour, written straight to a stream: most screens need no more, and Rich is slow to load.

What it decides is what Rich decides: `NO_COLOR`, `FORCE_COLOR`, `TERM=dumb`, `COLUMNS`. Only a pipe differs: its
lines are not wrapped, because a program or an editor reads them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from sdsetup.text import harmless

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_NARROWEST = 20
_UNLIMITED = 10_000  # columns and lines of a pipe or a file
Part = tuple[str, str]  # text, style


class Terminal:
    """A stream for people. `file` is asked for anew each time, as tests and pipes replace the streams."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        self._to_stderr = to_stderr
        self._colour: bool | None = None

    @property
    def file(self) -> TextIO:
        return sys.stderr if self._to_stderr else sys.stdout

    @property
    def is_terminal(self) -> bool:
        if os.environ.get("FORCE_COLOR"):
            return True
        isatty = getattr(self.file, "isatty", None)
        try:
            return bool(isatty and isatty())
        except ValueError:  # closed
            return False

    @property
    def encoding(self) -> str:
        return (getattr(self.file, "encoding", None) or "ascii").lower()

    @property
    def width(self) -> int:
        """Columns; one is left free on Windows, whose consoles start a new line when the last is filled."""
        columns = os.environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and int(columns) > 0:
            return int(columns)
        if not self.is_terminal:
            return _UNLIMITED
        try:
            found = os.get_terminal_size(self.file.fileno()).columns
        except (OSError, ValueError, AttributeError):
            return 80
        return (found - (sys.platform == "win32")) if found > 0 else 80

    @property
    def height(self) -> int:
        """Lines of the window; as good as no limit in a pipe or a file."""
        lines = os.environ.get("LINES", "")
        if lines.isascii() and lines.isdigit() and int(lines) > 0:
            return int(lines)
        if not self.is_terminal:
            return _UNLIMITED
        try:
            return os.get_terminal_size(self.file.fileno()).lines or 24
        except (OSError, ValueError, AttributeError):
            return 24

    @property
    def colour(self) -> bool:
        if self._colour is None:
            wanted = not os.environ.get("NO_COLOR") and self.is_terminal
            self._colour = wanted and os.environ.get("TERM", "") not in ("dumb", "unknown") and self._understands()
        return self._colour

    def write(self, parts: Iterable[Part]) -> None:
        """Write styled pieces at once and flush, so that nothing of ours stands behind another's output."""
        colour = self.colour
        said = []
        for text, style in parts:
            text = harmless(text, lines=True)  # the last door: what comes here unasked is not obeyed either
            codes = ";".join(_CODES[word] for word in style.split()) if colour and text else ""
            said.append(f"\x1b[{codes}m{text}\x1b[0m" if codes else text)
        self.file.write("".join(said))
        self.file.flush()

    def _understands(self) -> bool:
        """Windows' console draws colour codes from Windows 10 on, once it is told to."""
        if sys.platform != "win32":
            return True
        import ctypes

        kernel = ctypes.WinDLL("kernel32")
        handle = kernel.GetStdHandle(-12 if self._to_stderr else -11)
        mode = ctypes.c_ulong()
        if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
            return True  # not a console but a terminal of another kind
        return bool(mode.value & 4 or kernel.SetConsoleMode(handle, mode.value | 4))


def folded(text: str, width: int, whole: Sequence[str] = ()) -> list[str]:
    """Lines of at most `width` letters, broken at blanks only: a path that is cut cannot be copied.

    A paragraph's own indent is kept for its first line, and every blank where nothing is broken: two of them
    in a name are two. `whole`: parts that are not broken at all, as commands are.
    """
    lines: list[str] = []
    width = max(width, _NARROWEST)
    for paragraph in text.split("\n"):
        line = paragraph[: len(paragraph) - len(paragraph.lstrip(" "))]
        gap = ""
        for word, blanks in _words(paragraph[len(line) :].rstrip(" "), whole):
            if gap and len(line) + len(gap) + len(word) > width:
                lines.append(line)
                line = word
            else:
                line += gap + word
            gap = blanks
        lines.append(line)
    return lines


def _words(paragraph: str, whole: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Words with the blanks behind each."""
    kept = [re.escape(part) for part in sorted(filter(None, whole), key=len, reverse=True)]
    for found in re.finditer(f"((?:{'|'.join([*kept, '[^ ]'])})+)( *)", paragraph):
        yield found[1], found[2]
