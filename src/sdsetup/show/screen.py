"""Where people's text goes: one stream, marks that it can show, sentences in the person's language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdsetup.show.commands import typed
from sdsetup.show.terminal import Part, Terminal, folded
from sdsetup.show.words import commands_in, say
from sdsetup.text import Text, harmless

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# Status words and marks; colour is only an extra. ASCII where the stream cannot show the others.
_MARKS = {"ok": ("✓", "+"), "warn": ("!", "!"), "fail": ("✗", "x"), "skip": ("–", "-")}
_ALL_WIDE = "".join(wide for wide, _ in _MARKS.values())  # either kind, never a mixture
STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim", "hint": "cyan", "quiet": "dim"}


def sentence(text: Text) -> Text:
    """The text with a full stop: reasons in profiles have none. A command at its end does without."""
    said = say(text)
    if said.endswith((".", "!", "?")) or apart(said, commands_in(text))[1]:
        return text
    return Text("{sentence}.", sentence=text)


def apart(said: str, commands: Sequence[str]) -> tuple[str, str]:
    """A sentence without the command that ends it, and that command; "" where none does."""
    for command in commands:
        before = said.removesuffix(command).rstrip()
        if before != said and before.endswith(":"):
            return before, command.strip("`")
    return said, ""


class Screen:
    """A stream for people. Lines are written directly; Rich is loaded for tables, bars and questions only."""

    def __init__(
        self,
        *,
        to_stderr: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        console: Console | None = None,
        banner: Text | None = None,
    ) -> None:
        self._terminal = Terminal(to_stderr=to_stderr)
        self._to_stderr = to_stderr
        self._console = console
        self.quiet = quiet
        self.banner = banner  # what every screen has to say first: this is only a rehearsal
        self.verbose = verbose

    @property
    def console(self) -> Console:
        """Rich's console, made at its first use; from then on it draws the lines too, around its bars."""
        if self._console is None:
            from sdsetup.show.console import HarmlessConsole  # most of Rich, which lines do without

            self._console = HarmlessConsole(
                stderr=self._to_stderr,
                highlight=False,
                emoji=False,
                markup=False,
                width=None if self._terminal.is_terminal else self._terminal.width,
            )
        return self._console

    @property
    def width(self) -> int:
        return self._terminal.width if self._console is None else self._console.width

    @property
    def height(self) -> int:
        return self._terminal.height

    @property
    def interactive(self) -> bool:
        """Somebody is there to answer: both ends are a terminal."""
        drawn = self._terminal.is_terminal if self._console is None else self._console.is_terminal
        return drawn and sys.stdin is not None and sys.stdin.isatty()

    def mark(self, status: str) -> str:
        wide, narrow = _MARKS[status]
        return wide if self.can_show(_ALL_WIDE) else narrow

    def can_show(self, letters: str) -> bool:
        encoding = self._terminal.encoding if self._console is None else self._console.encoding
        try:
            letters.encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def write(self, parts: Sequence[Part]) -> None:
        """Styled pieces as they are, nothing folded. Styles are words: "bold", "red", "dim"."""
        if self._console is None:
            self._terminal.write(parts)
            return
        from rich.text import Text as Line

        safe = [(harmless(text, lines=True), style) for text, style in parts]
        self._console.print(Line.assemble(*safe), end="", soft_wrap=True)

    def line(self, text: Text | str = "", style: str = "", *, indent: int = 0) -> None:
        """One paragraph, folded at the window's width with its indent kept; a command that it ends with stands on
        a line of its own."""
        self._paragraph(text, style, indent=indent, heads=("",))

    def field(self, label: str, text: Text | str, style: str = "", *, indent: int = 2, room: int = 6) -> None:
        """A label and what it says, folded beside it: `room` letters are for the label and a blank, more where
        the label needs them."""
        head = f"{say(label) + ' ':<{room}}"
        self._paragraph(text, style, indent=indent, heads=(head, " " * len(head)))

    def _paragraph(self, text: Text | str, style: str, *, indent: int, heads: Sequence[str]) -> None:
        style, whole = STYLES.get(style, style), commands_in(text)
        said, command = apart(say(text), whole)
        room = self.width - indent - len(heads[0])
        for n, part in enumerate(folded(said, room, whole)):
            self.write([(" " * indent + heads[min(n, len(heads) - 1)], style), (part.rstrip(), style), ("\n", "")])
        if command:
            self.write([(" " * (indent + len(heads[-1]) + 2) + command, STYLES["hint"]), ("\n", "")])

    def table(self, table: RenderableType, *, indent: int = 0) -> None:
        """A table of Rich's without the blanks that it fills its lines with: a copied or piped line ends at its
        last letter."""
        from rich.text import Text as Line

        room = self.console.options.update_width(self.console.width - indent)
        for segments in self.console.render_lines(table, room, pad=False):
            line = Line(" " * indent)
            for segment in segments:
                line.append(segment.text, segment.style)
            line.rstrip()
            self.console.print(line, soft_wrap=True)

    def heading(self, text: Text) -> None:
        """The first line of a screen, under the banner where there is one."""
        if self.banner is not None:
            self.line(self.banner, "warn")
        self.line(text, "bold")

    def command(self, command: str, *, indent: int = 0, carried: bool = True) -> None:
        """A command to paste: never folded, never coloured inside."""
        self.write([(" " * indent + typed(command, carried=carried), STYLES["hint"]), ("\n", "")])
