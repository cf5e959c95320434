"""Reads the rules, the card table and the torch builds; finds the card that a person means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session
from sdsetup.decide.facts import Facts
from sdsetup.decide.profiles.flags import Known
from sdsetup.decide.profiles.gpus import Card, GpuTable
from sdsetup.decide.profiles.torch import TorchBuilds
from sdsetup.decide.profiles.tuning import Profile
from sdsetup.errors import UsageError
from sdsetup.storage import Profiles
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.tuning.cards import Match

# What `tune` asks of a machine: it need not wait for ports, disks and the network.
SUBJECTS = ("system", "gpus", "memory", "pythons", "installation")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Everything that a tuning is made from."""

    profile: Profile
    gpus: GpuTable
    builds: TorchBuilds
    known: Known


def load_rules(profiles: Profiles, name: str = "current") -> Rules:
    """The named profile with the tables it needs.

    Raises:
        ProfileError: naming every problem of the first file that has any.
        UsageError: `profile-unknown`.
    """
    from sdsetup.decide.profiles.flags import parse_flags
    from sdsetup.decide.profiles.gpus import parse_gpus
    from sdsetup.decide.profiles.torch import parse_torch
    from sdsetup.decide.profiles.tuning import parse_profile

    names = profiles.names("tuning")
    if name not in names:
        raise UsageError(
            Text("There is no tuning profile {name}", name=name),
            code="profile-unknown",
            hint=Text("Use one of: {names}.", names=", ".join(names)),
        )
    known = parse_flags(profiles.raw("flags"), "flags.toml")
    builds = parse_torch(profiles.raw("torch"), "torch.toml")
    families = [build.family for build in builds.builds]
    return Rules(
        profile=parse_profile(profiles.raw(f"tuning/{name}"), f"tuning/{name}.toml", known, families),
        gpus=parse_gpus(profiles.raw("gpus"), "gpus.toml"),
        builds=builds,
        known=known,
    )


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


def look(session: Session, dir: Path | None, *, here: bool) -> tuple[Facts, Path | None]:
    """This machine's facts, and the folder they were asked for; none when nothing there matters."""
    from sdsetup.probe import gather

    if dir is None and not here:
        subjects = [subject for subject in SUBJECTS if subject != "installation"]
        return gather(session.machine, session.machine.home, subjects=subjects), None
    from sdsetup.cli.folders import chosen_folder

    folder = chosen_folder(session, dir)
    return gather(session.machine, folder, subjects=SUBJECTS), folder


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
    raise UsageError(
        Text("{name} fits several cards: {names}", name=name, names=", ".join(names)),
        code="gpu-ambiguous",
        hint=Text('Give the whole name, for example --gpu "{name}".', name=names[0]),
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
