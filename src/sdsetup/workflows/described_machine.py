"""The options that describe a machine other than this one: checked, asked about where they leave a choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.catalog.conditions import TEXT_FIELDS
from sdsetup.catalog.fit import ModelKind
from sdsetup.catalog.gpus import Card, GpuTable
from sdsetup.command import Command
from sdsetup.decide.tuning.card_lookup import Match, match
from sdsetup.decide.tuning.rule_context import plain
from sdsetup.decide.tuning.what_if import DescribedMachine, pair
from sdsetup.errors import UsageError
from sdsetup.show.questions import ask_number, ask_size
from sdsetup.text import Number, Text, one_of
from sdsetup.values.versions import parse_version
from sdsetup.workflows.session import Session

_SHOWN = 8  # cards that an unclear name may mean; more help nobody


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """The machine that a tuning is wanted for, as the options put it. Sizes in GiB."""

    gpu: tuple[str, ...] = ()
    vram: tuple[float, ...] = ()
    os: str | None = None
    ram: float | None = None
    driver: str | None = None
    model_class: str = "sd15"
    facts: Path | None = None
    dir: Path | None = None


def check_options(options: MachineOptions) -> None:
    """Refuse what cannot be meant.

    Raises:
        UsageError: `option-value`.
    """
    if options.os is not None and options.os not in TEXT_FIELDS["os"]:
        raise _not_known("--os", options.os, TEXT_FIELDS["os"])
    if options.driver is not None and parse_version(options.driver) is None:
        raise UsageError(
            Text("{value} is not a driver version", value=options.driver),
            code="option-value",
            hint=Text("Use the form that nvidia-smi shows, for example --driver 551.52."),
        )
    largest = {"--vram": 512, "--ram": 4096}
    for option, size in (*(("--vram", size) for size in options.vram), ("--ram", options.ram)):
        if size is not None and not 0.1 <= size <= largest[option]:
            raise UsageError(
                Text("{option} {size:g} is not a memory size", option=option, size=size),
                code="option-value",
                hint=Text("Use gigabytes as advertised, for example {option} 8.", option=option),
            )


def model_class_of(typed: str, kinds: Sequence[ModelKind]) -> str:
    """What rules call the kind of model that was typed: "pony" is SDXL.

    Raises:
        UsageError: `option-value`, also for models that need another program.
    """
    kind = next((kind for kind in kinds if typed.lower() in (kind.id, *kind.also)), None)
    if kind is None:
        raise _not_known("--model-class", typed, TEXT_FIELDS["model"])
    if kind.program is not None:
        raise UsageError(
            Text("{models} models do not run in this web UI", models=kind.name),
            code="option-value",
            hint=Text("Use another program for them: {program}.", program=Text(kind.program)),
        )
    return kind.id


def described(
    session: Session, gpus: GpuTable, options: MachineOptions
) -> tuple[DescribedMachine, tuple[float | None, ...]]:
    """The machine of the options, and the memory of each of its cards (GiB; None where it stays open).

    Asks in a terminal where a name fits several cards.

    Raises:
        UsageError: `gpu-unknown` or `gpu-ambiguous`.
    """
    cards, sizes = [], []
    for n, name in enumerate(options.gpu):
        meant = match(gpus, name)
        card = _the_card(session, name, meant)
        size = options.vram[n] if n < len(options.vram) else meant.size_gib
        cards.append(card)
        sizes.append(size if size is not None else _the_size(session, card))
    memory = (*sizes, *options.vram[len(options.gpu) :])
    os: Any = options.os  # one of the choices, as checked above
    machine = DescribedMachine(cards=pair(cards, memory), os=os, ram_gib=options.ram, driver=options.driver)
    return machine, memory


def typed_options(options: MachineOptions, sizes: Sequence[float | None]) -> tuple[str, ...]:
    """The options as words of a command, with the answers that were given to our questions."""
    words: list[tuple[str, object]] = [("--dir", options.dir), *(("--gpu", name) for name in options.gpu)]
    words += [("--vram", f"{size:g}") for size in sizes if size is not None]
    words += [("--os", options.os), ("--ram", options.ram and f"{options.ram:g}")]
    words += [("--driver", options.driver), ("--facts", options.facts)]
    if options.model_class != "sd15":
        words.append(("--model-class", options.model_class))
    return tuple(word for name, value in words if value is not None for word in (name, str(value)))


def _not_known(option: str, value: str, choices: Sequence[str]) -> UsageError:
    return UsageError(
        Text("{option} {value} is not known", option=option, value=value),
        code="option-value",
        hint=Text("Use one of: {choices}.", choices=", ".join(choices)),
    )


def _the_card(session: Session, name: str, meant: Match) -> Card:
    if len(meant.cards) == 1:
        return meant.cards[0]
    if not meant.cards:
        raise UsageError(
            Text("No graphics card named {name} is known", name=name),
            code="gpu-unknown",
            hint=Text("Did you mean {names}?", names=one_of(meant.suggestions))
            if meant.suggestions
            else Text('Use the manufacturer\'s name, for example --gpu "RTX 5060 Ti", or only --vram.'),
        )
    names = [card.name for card in meant.cards]
    if not session.json and session.screen.interactive:
        session.screen.line(Text("{name} matches several graphics cards:", name=name))
        picked = ask_number(session.screen, Text("Which one do you have?"), names)
        if picked is not None:
            return meant.cards[picked]
    shown, more = names[:_SHOWN], len(names) - _SHOWN
    raise UsageError(
        Text(
            "{name} matches {count} graphics cards: {names}, ...",
            name=name,
            count=len(names),
            names=", ".join(shown),
        )
        if more > 0
        else Text("{name} matches several graphics cards: {names}", name=name, names=", ".join(names)),
        code="gpu-ambiguous",
        hint=Text("Use the full name, for example {option}", option=Command("--gpu", names[0])),
    )


def _the_size(session: Session, card: Card) -> float | None:
    """One of several sizes, asked for in a terminal; None is left to the rules, with their warning."""
    if len(card.vram_gib) < 2 or session.json or not session.screen.interactive:
        return None

    sizes = one_of([Text("{number} GB", number=Number(plain(size))) for size in card.vram_gib])
    session.screen.line(Text("{name} is sold with {sizes} of video memory.", name=card.name, sizes=sizes))
    return ask_size(session.screen, Text("How many GB does yours have? (Enter: the smallest)"), card.vram_gib)
