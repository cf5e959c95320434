"""From what-if options to facts: which card a name means, and what is looked at on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session
from sdsetup.cli.tuning import SUBJECTS
from sdsetup.command import Command
from sdsetup.decide.facts import Facts
from sdsetup.decide.profiles.gpus import Card, GpuTable
from sdsetup.errors import UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.tuning.cards import Match

_SHOWN = 8  # cards that an unclear name may mean; more help nobody


def look(session: Session, dir: Path | None, *, here: bool) -> tuple[Facts, Path | None]:
    """This machine's facts, and the folder they were asked for; none when nothing there matters."""
    from sdsetup.probe import gather

    if dir is None and not here:
        subjects = [subject for subject in SUBJECTS if subject != "installation"]
        return gather(session.machine, session.machine.home, subjects=subjects), None
    from sdsetup.cli.folders import chosen_folder

    folder = chosen_folder(session, dir)
    return gather(session.machine, folder, subjects=SUBJECTS), folder


def named_cards(
    session: Session, gpus: GpuTable, names: Sequence[str], sizes: Sequence[float]
) -> tuple[tuple[Card, ...], tuple[float | None, ...]]:
    """The cards that were named and their memory (GiB): asked for in a terminal where a name fits several,
    None where it stays open.

    Raises:
        UsageError: `gpu-unknown` or `gpu-ambiguous`.
    """
    from sdsetup.decide.tuning.cards import match

    cards, memory = [], []
    for n, name in enumerate(names):
        meant = match(gpus, name)
        card = _the_card(session, name, meant)
        size = sizes[n] if n < len(sizes) else meant.size_gib
        cards.append(card)
        memory.append(size if size is not None else _the_size(session, card))
    return tuple(cards), (*memory, *sizes[len(names) :])


def _the_card(session: Session, name: str, meant: Match) -> Card:
    if len(meant.cards) == 1:
        return meant.cards[0]
    if not meant.cards:
        raise UsageError(
            Text("No graphics card named {name} is known", name=name),
            code="gpu-unknown",
            hint=Text("Did you mean {names}?", names=" or ".join(meant.suggestions))
            if meant.suggestions
            else Text('Give the name that the maker uses, for example --gpu "RTX 5060 Ti", or only --vram.'),
        )
    names = [card.name for card in meant.cards]
    if not session.json and session.screen.interactive:
        from sdsetup.show.questions import ask_number

        session.screen.line(Text("{name} fits several cards:", name=name))
        picked = ask_number(session.screen, Text("Which one?"), names)
        if picked is not None:
            return meant.cards[picked]
    shown, more = names[:_SHOWN], len(names) - _SHOWN
    raise UsageError(
        Text("{name} fits {count} cards: {names}, ...", name=name, count=len(names), names=", ".join(shown))
        if more > 0
        else Text("{name} fits several cards: {names}", name=name, names=", ".join(names)),
        code="gpu-ambiguous",
        hint=Text("Give the whole name, for example {option}", option=Command("--gpu", names[0])),
    )


def _the_size(session: Session, card: Card) -> float | None:
    """One of several sizes, asked for in a terminal; None is left to the rules, with their warning."""
    if len(card.vram_gib) < 2 or session.json or not session.screen.interactive:
        return None
    from sdsetup.decide.tuning.case import plain
    from sdsetup.show.questions import ask_number

    session.screen.line(Text("{name} is sold with different memory:", name=card.name))
    sizes = [f"{plain(size)} GB" for size in card.vram_gib]
    picked = ask_number(session.screen, Text("Which one is it? (Enter: the smallest)"), sizes)
    return None if picked is None else card.vram_gib[picked]
