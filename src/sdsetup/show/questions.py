"""Questions to the user. Enter is always the safe answer, and the end of input is a no."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from sdsetup.errors import EXIT_DONE, EXIT_INTERRUPTED, DeclinedError
from sdsetup.show.keyboard import held, interruptible, read_line
from sdsetup.show.screen import Screen
from sdsetup.show.words import say
from sdsetup.text import Text, harmless

Meaning = Literal["yes", "no", "back", "quit"]

# The last one of a row is the letter on the same key of a Russian keyboard, where it means nothing else.
_MEANINGS: Mapping[Meaning, tuple[str, ...]] = {
    "yes": ("y", "yes", "j", "ja", "д", "да"),
    "no": ("n", "no", "nein", "н", "нет"),
    "back": ("b", "back", "назад", "и"),
    "quit": ("q", "quit", "exit", "выход", "й"),
}


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
