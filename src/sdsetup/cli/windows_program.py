"""What the Windows program needs besides the command line: a name that can be typed, and a window that stays."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

_ALONE = 2  # the launcher and its Python: nobody else is in this console, so its window closes with us


def name_commands(program: str) -> None:
    """Commands to paste name the program by its path, unless it can be typed by its name."""
    folders = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    known = (
        folder / name for folder in folders if folder.is_absolute() for name in ("sdsetup.exe", "sdsetup.cmd")
    )
    if "SDSETUP_COMMAND" not in os.environ and not any(path.is_file() for path in known):
        os.environ["SDSETUP_COMMAND"] = program


def read_before_closing() -> None:
    """After a double click, keep the window open until it has been read."""
    if sys.platform != "win32":
        return
    from sdsetup.machine import windows

    if windows.console_processes() <= _ALONE:
        wait_for_enter()


@cache
def wait_for_enter() -> None:
    """Once, where a person can see it and answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    from sdsetup.show.words import say
    from sdsetup.text import Text

    with suppress(EOFError, KeyboardInterrupt):
        input("\n" + say(Text("Press Enter to close this window.")))
