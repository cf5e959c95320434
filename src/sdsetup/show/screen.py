"""Where people's text goes: one console, marks that the stream can show, sentences in the person's language."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text as Line

from sdsetup.show.words import say
from sdsetup.text import Text

# Status words and marks; colour is only an extra. ASCII where the stream cannot show the others.
_MARKS = {"ok": ("✓", "+"), "warn": ("!", "!"), "fail": ("✗", "x"), "skip": ("–", "-")}
STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim", "hint": "cyan", "quiet": "dim"}


class Screen:
    """A console for people. `NO_COLOR` and `FORCE_COLOR` are Rich's own."""

    def __init__(
        self,
        *,
        to_stderr: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        console: Console | None = None,
        banner: Text | None = None,
    ) -> None:
        self.console = console or Console(stderr=to_stderr, highlight=False, emoji=False, markup=False)
        self.quiet = quiet
        self.banner = banner  # what every screen has to say first: this is only a rehearsal
        self.verbose = verbose

    @property
    def interactive(self) -> bool:
        """Somebody is there to answer: both ends are a terminal."""
        return self.console.is_terminal and sys.stdin is not None and sys.stdin.isatty()

    def mark(self, status: str) -> str:
        wide, narrow = _MARKS[status]
        return wide if self.can_show(wide) else narrow

    def can_show(self, letters: str) -> bool:
        try:
            letters.encode(self.console.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def line(self, text: Text | str = "", style: str = "", *, indent: int = 0) -> None:
        """One paragraph, folded at the window's width with its indent kept."""
        said = say(text) if isinstance(text, Text) else text
        body = Line(said, style=STYLES.get(style, style))
        width = max(20, self.console.width - indent)
        for part in body.wrap(self.console, width):
            part.rstrip()
            self.console.print(Line(" " * indent).append_text(part), soft_wrap=True)

    def heading(self, text: Text) -> None:
        """The first line of a screen, under the banner where there is one."""
        if self.banner is not None:
            self.line(self.banner, "warn")
        self.line(text, "bold")

    def command(self, command: str, *, indent: int = 0) -> None:
        """A command to paste: never folded, never coloured inside."""
        self.console.print(Line(" " * indent + command, style=STYLES["hint"]), soft_wrap=True)
