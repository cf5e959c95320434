"""One line from the keyboard, and a Ctrl-C that is never lost on the way."""

from __future__ import annotations

import contextlib
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

_GLANCE = 0.2  # seconds: how late a Ctrl-C counts that arrived just before we began to wait


_heard: list[int] = []  # since the outermost block of `interruptible` began
_held: list[bool] = []


def _interrupt(number: int, _frame: object) -> None:
    _heard.append(number)
    if not _held:
        raise KeyboardInterrupt


def _check() -> None:
    if _heard:
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """While the block lasts, Ctrl-C raises KeyboardInterrupt and is remembered as well; what is yielded raises it
    again. Python drops an exception that hits it in a destructor or a callback of its own."""
    before: Any = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread()
    if not ours or before in (signal.SIG_IGN, None, _interrupt):
        yield _check
        return
    _heard.clear()
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield _check
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside of `interruptible`: a Ctrl-C waits for the next check. What draws a line is not cut off halfway,
    after which it would be drawn once more."""
    _held.append(True)
    try:
        yield
    finally:
        _held.pop()


def read_line(check: Callable[[], None]) -> str:
    """The line that is typed, without its end.

    A Ctrl-C between Python's last look at its signals and the system call that waits would be seen only after the
    next line; so the waiting is done in short glances, and reading begins when a line is there.

    Raises:
        EOFError: the input has ended.
        KeyboardInterrupt: Ctrl-C, now or since the block of `interruptible` began.
    """
    terminal = _terminal()
    check()
    while terminal is not None and not select.select([terminal], [], [], _GLANCE)[0]:
        check()
    check()
    try:
        return input()
    except EOFError:
        if sys.platform == "win32":  # a Ctrl-C ends the reading there before its signal is here
            time.sleep(_GLANCE)
        raise
    finally:
        check()


def _terminal() -> int | None:
    """The descriptor to wait for; None where `input` itself waits well: Windows' console, and a file."""
    if sys.platform == "win32" or sys.stdin is None:
        return None
    try:
        return sys.stdin.fileno() if sys.stdin.isatty() else None
    except (OSError, ValueError):  # closed, or a stand-in of a test
        return None
