"""An image in the terminal: by its own protocol where it has one (sixel, kitty), else in half blocks of color."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from sdsetup.show.screen import Screen

_log = logging.getLogger("sdsetup.image")
_ROWS = 16
_LEFT_FREE = 10  # rows of the window for the text around it
# A terminal that gives no answer is nothing to tell: without this, Python would print the library's warning.
logging.getLogger("textual_image").addHandler(logging.NullHandler())


def show_image(path: Path, screen: Screen) -> None:
    """Draw an image; nothing at all where this terminal cannot, or the file is none. It is an extra beside its
    path, so nothing that goes wrong with it is worth a word on the screen."""
    if not _can_draw(screen):
        return
    try:
        # The library asks the terminal what it can when it is imported, so that is done here and not before.
        from textual_image import renderable

        rows = max(4, min(_ROWS, screen.console.height - _LEFT_FREE))
        kind = renderable.Image
        if kind in (renderable.SixelImage, renderable.TGPImage) or screen.can_show("▀"):
            screen.console.print(kind(path, width="auto", height=rows))
    except Exception as error:  # noqa: BLE001 - a terminal's answer can be anything, and so can a file
        _log.info("the image could not be drawn: %r", error)
    finally:
        _forget_late_answers()


def _can_draw(screen: Screen) -> bool:
    """A terminal with colors at both ends: the library asks it and reads its answer from the keyboard's side."""
    real = sys.__stdout__ is not None and sys.__stdout__.isatty()
    colors = screen.console.color_system in ("256", "truecolor")
    return real and colors and screen.interactive and not screen.quiet and not os.environ.get("NO_COLOR")


def _forget_late_answers() -> None:
    """What a slow terminal answers too late would be typed into the next question."""
    if sys.platform == "win32":
        return
    import termios

    try:
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except (termios.error, OSError, ValueError):
        _log.info("the terminal's input could not be emptied")
