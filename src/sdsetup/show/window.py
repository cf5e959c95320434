"""What a terminal shows outside of its text: the window's title, and the progress mark in the taskbar."""

from __future__ import annotations

import os

from rich.console import Console

# xterm's own words, which most terminals understand and the others ignore: keep the title, and bring it back.
_KEEP_TITLE, _FORMER_TITLE = "\x1b[22;0t", "\x1b[23;0t"
# ConEmu's, which Windows Terminal took over: state (0 none, 1 normal) and percent.
_MARK = "\x1b]9;4;{state};{percent}\x1b\\"


class Window:
    """The title and the mark while work is under way.

    with Window(console) as window:
        window.show(0.42, "step 7 of 13")
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._titled = console.is_terminal and not console.is_dumb_terminal
        self._marked = self._titled and has_progress_mark()
        self._steers = self._titled and not console.legacy_windows
        self._shown: tuple[int, str] | None = None

    def begin(self) -> None:
        if self._steers:
            self._write(_KEEP_TITLE)

    def show(self, share: float, said: str) -> None:
        """`share`: how much is done, 0 to 1."""
        new = (int(share * 100), said)
        if not self._titled or new == self._shown:
            return
        self._shown = new
        self._console.set_window_title(f"{new[0]} % - {said} - sdsetup")
        if self._marked:
            self._write(_MARK.format(state=1, percent=new[0]))

    def end(self) -> None:
        if self._marked:
            self._write(_MARK.format(state=0, percent=0))
        if self._steers:
            self._write(_FORMER_TITLE)

    def _write(self, sequence: str) -> None:
        self._console.file.write(sequence)
        self._console.file.flush()


def has_progress_mark() -> bool:
    """Whether this terminal is known to draw one: others would print the sequence, or beep."""
    return bool(os.environ.get("WT_SESSION")) or os.environ.get("ConEmuANSI") == "ON"  # noqa: SIM112 - its name
