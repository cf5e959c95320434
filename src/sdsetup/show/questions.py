"""Questions to the user, and one line from the keyboard at a time.

Enter is always the safe answer, the end of input is a no, and a Ctrl-C is never lost on the way.
"""

from __future__ import annotations

import contextlib
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from sdsetup.errors import EXIT_DONE, EXIT_INTERRUPTED, DeclinedError
from sdsetup.show.screen import Screen
from sdsetup.show.words import say
from sdsetup.text import Text, harmless

_GLANCE = 0.2  # seconds: how late a Ctrl-C counts that arrived just before we began to wait


_heard: list[int] = []  # since the outermost block of `interruptible` began
_held: list[bool] = []


Meaning = Literal["yes", "no", "back", "quit"]
# The last one of a row is the letter on the same key of a Russian keyboard, where it means nothing else.
_MEANINGS: Mapping[Meaning, tuple[str, ...]] = {
    "yes": ("y", "yes", "j", "ja", "д", "да"),
    "no": ("n", "no", "nein", "н", "нет"),
    "back": ("b", "back", "назад", "и"),
    "quit": ("q", "quit", "exit", "выход", "й"),
}


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


def meaning(answer: str) -> Meaning | None:
    """What a typed answer means in any language that we speak; None for anything else."""
    return next((name for name, words in _MEANINGS.items() if answer.strip().lower() in words), None)


def ask_yes(screen: Screen, question: Text) -> bool:
    """A yes has to be typed; Enter and anything else is a no."""
    screen.line()
    return meaning(_typed(screen, f"{say(question)} {say(Text('[y/N]'))} ")) == "yes"


def ask_line(screen: Screen, question: Text, default: str) -> str:
    """A line of text; Enter takes the default that is shown.

    Raises:
        DeclinedError: the input has ended, or Ctrl-C.
    """
    answer = _typed(screen, f"{say(question)} [{harmless(default)}] ", end_leaves=True)
    return answer or default


def ask_key(screen: Screen, question: Text, choices: Mapping[str, Sequence[str]], default: str) -> str:
    """One of several short answers: its key. `choices`: key -> other ways to type it. Enter takes the default;
    anything else is asked again, and said why.

    Raises:
        DeclinedError: the input has ended, or Ctrl-C.
    """
    shown = _shown(choices, default)
    while True:
        answer = _typed(screen, f"{say(question)} [{shown}] ", end_leaves=True).lower() or default
        for key, others in choices.items():
            if answer in (key, *others):
                return key
        said = Text('"{answer}" is not one of the answers: {keys}', answer=answer, keys=", ".join(choices))
        screen.line(said, "warn")


def _shown(choices: Mapping[str, Sequence[str]], default: str) -> str:
    """What stands in the brackets: "y/N", "1-5/c/B"; of numbers with a number for Enter only that one, as each of
    them stands beside its line."""
    if default.isdecimal():
        return default
    numbers = [key for key in choices if key.isdecimal()]
    letters = [key.upper() if key == default else key for key in choices if not key.isdecimal()]
    return "/".join([*([f"{numbers[0]}-{numbers[-1]}"] if numbers else []), *letters])


def words_for(name: Meaning) -> tuple[str, ...]:
    """Every way to type an answer of that meaning."""
    return _MEANINGS[name]


def ask_number(screen: Screen, question: Text, choices: Sequence[str]) -> int | None:
    """One of a numbered list, by its place (from 0); Enter and anything that is no number of it is None."""
    for number, choice in enumerate(choices, 1):
        screen.line(f"{number}. {harmless(choice)}", indent=2)
    answer = _typed(screen, f"{say(question)} [1-{len(choices)}] ")
    return int(answer) - 1 if answer.isdecimal() and 1 <= int(answer) <= len(choices) else None


def ask_size(screen: Screen, question: Text, sizes: Sequence[float]) -> float | None:
    """One of several sizes in GB, typed as it is: "16", "16 GB", "16g". Enter takes none; anything else is asked
    again."""
    shown = "/".join(f"{size:g}" for size in sizes)
    while True:
        answer = _typed(screen, f"{say(question)} [{shown}] ")
        if not answer:
            return None
        number = re.fullmatch(r"(\d{1,3}(?:[.,]\d{1,2})?)\s*(?:g|gb|gib|г|гб|гиб)?", answer.lower())
        size = float(number[1].replace(",", ".")) if number else None
        if size in sizes:
            return size
        screen.line(Text("{answer} is not one of these sizes.", answer=answer), "warn")


def _typed(screen: Screen, prompt: str, *, end_leaves: bool = False) -> str:
    """What was typed, without blanks around it. `end_leaves`: the end of input leaves the command; else it is as
    good as Enter."""
    try:
        with interruptible() as check:
            with held():
                screen.console.print(prompt, end="", markup=False, highlight=False, soft_wrap=True)
            return read_line(check).strip()
    except EOFError:
        screen.line()
        if end_leaves:
            raise DeclinedError(EXIT_DONE) from None
        return ""
    except KeyboardInterrupt:
        screen.line()
        raise DeclinedError(EXIT_INTERRUPTED) from None
