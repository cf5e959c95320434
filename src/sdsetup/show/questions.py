"""Questions to a person. Enter is always the safe answer, and the end of input is a no."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sdsetup.errors import EXIT_INTERRUPTED, DeclinedError
from sdsetup.show.screen import Screen
from sdsetup.show.words import say
from sdsetup.text import Text, harmless


def ask_yes(screen: Screen, question: Text) -> bool:
    """A yes has to be typed; Enter and anything else is a no."""
    screen.line()
    return _typed(screen, f"{say(question)} [y/N] ").lower() in ("y", "yes", "j", "ja", "д", "да")


def ask_text(screen: Screen, question: Text, default: str) -> str:
    """A line of text; Enter takes the default that is shown."""
    return _typed(screen, f"{say(question)} [{harmless(default)}] ") or default


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
        number = re.fullmatch(r"(\d{1,3}(?:[.,]\d{1,2})?)\s*(?:g|gb|gib)?", answer.lower())
        size = float(number[1].replace(",", ".")) if number else None
        if size in sizes:
            return size
        screen.line(Text("{answer} is not one of these sizes.", answer=answer), "warn")


def _typed(screen: Screen, prompt: str) -> str:
    screen.console.print(prompt, end="", markup=False, highlight=False, soft_wrap=True)
    try:
        return input().strip()
    except EOFError:
        screen.line()
        return ""
    except KeyboardInterrupt:
        screen.line()
        raise DeclinedError(EXIT_INTERRUPTED) from None
