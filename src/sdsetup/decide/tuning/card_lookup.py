"""Finding a card: by the id of its device, by its name, or at least its generation by any fact that tells it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from sdsetup.catalog.gpus import Architecture, Card, Chip, GpuTable
from sdsetup.decide.tuning.card_names import CardName, alternatives, parse_name, variants
from sdsetup.values.facts import GIB, Gpu, Vendor

_MOST_NAMES = 4


@dataclass(frozen=True, kw_only=True)
class Match:
    """What a typed name can mean. `size_gib`: a size that was part of what was typed."""

    cards: tuple[Card, ...]
    size_gib: float | None = None
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What is known about a graphics processor: only what every card that it can be has in common.

    `card`: the entry, or for a device that several entries share one that says what they agree on.
    """

    card: Card | None = None
    architecture: Architecture | None = None
    compute: tuple[int, int] | None = None
    gfx: str | None = None
    traits: frozenset[str] = frozenset()


def identify(table: GpuTable, gpu: Gpu) -> Identity:
    """The card, and its generation from whatever tells it. What the driver says (compute capability, gfx) is sure,
    the device's number next, then the name: makers give one name to several chips."""
    chip = _chip(table, gpu)
    card = _one(_cards_of(table, gpu), gpu.name)
    if card is not None and _contradicts(card, gpu, chip):
        card = None
    series = table.series_of(gpu.vendor, gpu.name) if card is None else None
    tellers = [teller for teller in (card, chip, series) if teller is not None]
    compute = gpu.compute_capability or next((one.compute for one in tellers if one.compute), None)
    gfx = gpu.gfx or next((one.gfx for one in tellers if one.gfx), None)
    measured = of_gfx(table, gpu.gfx) or architecture_of(table, gpu.compute_capability)
    told = next((one.architecture for one in tellers if one.architecture), None)
    architecture = card.architecture if card else measured or told or of_gfx(table, gfx)
    return Identity(
        card=card,
        architecture=architecture,
        compute=compute,
        gfx=gfx,
        traits=(tellers[0].traits if tellers else frozenset()) | _common_traits(table, architecture),
    )


@lru_cache(maxsize=64)
def _common_traits(table: GpuTable, architecture: Architecture | None) -> frozenset[str]:
    """What every card of a generation is: all of some are part of a processor, whatever the device is called."""
    traits = [card.traits for card in table.cards if card.architecture == architecture]
    return frozenset.intersection(*traits) & {"integrated"} if traits else frozenset()


def _chip(table: GpuTable, gpu: Gpu) -> Chip | None:
    """By the device's number, or by the chip's own name where lists give a board no other ("Navi 22")."""
    if gpu.pci_id and (found := table.chips_by_id.get((gpu.vendor, gpu.pci_id))):
        return found
    name = f"{gpu.name or ''} ".lower()
    named = [one for one in table.chips if one.architecture.vendor == gpu.vendor]
    return next((one for one in reversed(named) if name.startswith(f"{one.name.lower()} ")), None)


def _contradicts(card: Card, gpu: Gpu, chip: Chip | None) -> bool:
    """The name is of another chip than what driver or device number say."""
    if gpu.compute_capability and card.compute and gpu.compute_capability != card.compute:
        return True
    if gpu.gfx and card.gfx and gpu.gfx != card.gfx:
        return True
    return chip is not None and chip.architecture != card.architecture


def find(table: GpuTable, name: str | None, vendor: Vendor | None = None) -> Card | None:
    """The entry for a name that a driver or a list of devices reports, or None. A name that several cards share
    gives what they have in common."""
    return _one(_named(table, name or "", vendor), name)


def match(table: GpuTable, typed: str) -> Match:
    """Every card that a typed name can mean: the one of exactly that name, or all that contain it."""
    name = parse_name(typed)
    size = name.sizes[0] if name.sizes else None
    if not name.words:
        return Match(cards=(), size_gib=size)
    cards = _named(table, typed, None) or _containing(table, name)
    if cards:
        told = len(cards) == 1 and _in_name(cards[0])
        return Match(cards=cards, size_gib=None if told else size)
    return Match(cards=(), size_gib=size, suggestions=_alike(table, name))


def architecture_of(table: GpuTable, compute: tuple[int, int] | None) -> Architecture | None:
    """The generation that a compute capability belongs to; a newer minor version counts to its major one."""
    if compute is None:
        return None
    exact = [card for card in table.cards if card.compute == compute]
    alike = exact or [card for card in table.cards if card.compute is not None and card.compute[0] == compute[0]]
    return alike[0].architecture if alike else None


def with_names(table: GpuTable, gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """Cards that only their device number tells (there is no driver, and no list of names), with a name."""
    return tuple(
        replace(gpu, name=known.card.name)
        if gpu.name is None and (known := identify(table, gpu)).card is not None
        else gpu
        for gpu in gpus
    )


def memory_gib(table: GpuTable, gpu: Gpu) -> float | None:
    """A card's memory in GiB as it is sold, where the driver reports a little less: 24 for 22.4. What was typed,
    and a slice of a card, are told as they are; None where nobody knows."""
    if not gpu.vram_bytes:
        return None
    reported = gpu.vram_bytes / GIB
    card = None if gpu.mig or gpu.source == "what-if" else identify(table, gpu).card
    sold = (size for size in (card.vram_gib if card else ()) if 0.9 * size <= reported <= 1.01 * size)
    return next(sold, reported)


def of_gfx(table: GpuTable, gfx: str | None) -> Architecture | None:
    """The generation of an AMD processor's number: gfx1036 is a number of RDNA 2."""
    return next((card.architecture for card in table.cards if gfx and card.gfx == gfx), None)


def gfx_of(table: GpuTable, architecture: Architecture | None) -> tuple[str, ...]:
    """Every number that AMD's processors of a generation have."""
    found = (card.gfx for card in table.cards if architecture is not None and card.architecture == architecture)
    return tuple(dict.fromkeys(gfx for gfx in found if gfx))


def _cards_of(table: GpuTable, gpu: Gpu) -> tuple[Card, ...]:
    """By id and name together: the id is sure, and the name picks among the cards that share it."""
    named = _named(table, gpu.name or "", gpu.vendor)
    by_id = table.cards_by_id.get((gpu.vendor, gpu.pci_id), ()) if gpu.pci_id else ()
    both = tuple(card for card in named if card in by_id)
    if both or not by_id:
        return both or named
    return by_id if not named or named[0].architecture != by_id[0].architecture else named


def _one(cards: tuple[Card, ...], name: str | None) -> Card | None:
    """The card, with the size that its name tells. For several, one entry with all their sizes and what else they
    agree on; None where their generations differ."""
    first = cards[0] if cards else None
    if first is None or any(card.architecture != first.architecture for card in cards):
        return None
    if len(cards) == 1:
        told = {size for one in alternatives(name or "") for size in one.sizes}
        return replace(first, vram_gib=tuple(told)) if len(told) == 1 and len(first.vram_gib) > 1 else first
    return replace(
        first,
        name=name or _together(cards),
        compute=first.compute if len({card.compute for card in cards}) == 1 else None,
        gfx=first.gfx if len({card.gfx for card in cards}) == 1 else None,
        vram_gib=tuple(sorted({size for card in cards for size in card.vram_gib})),
        traits=frozenset.intersection(*(card.traits for card in cards)),
        ids=frozenset(),
    )


def _together(cards: tuple[Card, ...]) -> str:
    """One name for a device that several cards share and no list names, as the public lists write it."""
    names = [card.name for card in cards]
    return " / ".join(names) if len(names) <= _MOST_NAMES else f"{names[0]} / ... / {names[-1]}"


@lru_cache(maxsize=2048)
def _named(table: GpuTable, text: str, vendor: Vendor | None) -> tuple[Card, ...]:
    """The cards of a name; several for a list behind strokes, or for a name that only a size tells apart."""
    if text.endswith("..."):
        return _beginning(table, text, vendor)
    found: list[Card] = []
    for name in alternatives(text):
        if vendor in (None, name.vendor) or name.vendor is None:
            found += _of_one_name(table, replace(name, vendor=vendor or name.vendor))
    return tuple(dict.fromkeys(found))


def _beginning(table: GpuTable, text: str, vendor: Vendor | None) -> tuple[Card, ...]:
    """The cards whose name begins with what a narrow table shows of it: "NVIDIA GeForce RTX 3050 ..."."""
    shown = " ".join(text.removesuffix("...").lower().removeprefix("nvidia ").split())
    return tuple(
        card for card in table.cards if vendor in (None, card.vendor) and card.name.lower().startswith(shown)
    )


def _of_one_name(table: GpuTable, name: CardName) -> tuple[Card, ...]:
    if not name.words:
        return ()
    known = _known(table, name.vendor)
    for query in variants(name):
        near = [pair for word in dict.fromkeys(query.words) for pair in known.get(word, ())]
        for relaxed in (False, True):
            fitting = [
                (cost, entry, card) for entry, card in near if (cost := _cost(entry, query, relaxed)) is not None
            ]
            if fitting:
                return _chosen(fitting, query)
    return ()


def _chosen(fitting: list[tuple[int, CardName, Card]], query: CardName) -> tuple[Card, ...]:
    """Of cards with the same words: the form that was said, then the board, then the size, then the shortest."""
    sizes = set(query.sizes)
    boards = _boards(query)
    for preferred in (
        [one for one in fitting if one[1].laptop is query.laptop],
        [one for one in fitting if boards and boards <= _boards(one[1])],
        [one for one in fitting if sizes & set(one[1].sizes)],
        [one for one in fitting if sizes & set(one[2].vram_gib)],
        [one for one in fitting if one[1].carriers == query.carriers and (sizes or not one[1].sizes)],
        [one for one in fitting if not one[1].sizes],
    ):
        both = [one for one in fitting if one in preferred]
        fitting = both or fitting
    # "630" is a card of two makers: of each the one that leaves least unsaid.
    least = {card.vendor: cost for cost, _, card in sorted(fitting, key=lambda one: one[0], reverse=True)}
    return tuple(dict.fromkeys(card for cost, _, card in fitting if cost == least[card.vendor]))


def _boards(name: CardName) -> set[str]:
    """Forms of board without their generation: people say "SXM" where the driver says "SXM4"."""
    return {carrier.rstrip("0123456789e") for carrier in name.carriers}


def _cost(entry: CardName, query: CardName, relaxed: bool) -> int | None:
    """How many words of the entry the query leaves out; None where it is another card. `relaxed`: the query may
    say a product line that the entry does not have ("Quadro RTX A4000")."""
    have, asked = Counter(entry.words), Counter(query.words)
    more = asked - have
    named = any(word not in entry.optional for word in entry.words)  # "Radeon RX Series" is no "Radeon Graphics"
    if more and not (relaxed and named and all(word in query.optional for word in more)):
        return None
    missing = have - asked
    if any(word not in entry.optional for word in missing) or not any(word in asked for word in entry.needed):
        return None
    return sum(missing.values())


def _containing(table: GpuTable, name: CardName) -> tuple[Card, ...]:
    """Cards whose name has all the words that were typed, and more."""
    asked = Counter(name.words)
    every = (pair for pairs in _known(table, name.vendor).values() for pair in pairs)
    inside = [card for entry, card in every if not asked - Counter(entry.words)]
    return tuple(dict.fromkeys(inside))


@lru_cache(maxsize=32)
def _known(table: GpuTable, vendor: Vendor | None) -> dict[str, list[tuple[CardName, Card]]]:
    """Every name of every card of a maker, parsed, by its number: without that word it is never meant."""
    found: dict[str, list[tuple[CardName, Card]]] = {}
    for card in table.cards:
        if vendor in (None, card.vendor):
            for name in map(parse_name, (card.name, *card.also)):
                found.setdefault(name.number, []).append((name, card))
    return found


def _in_name(card: Card) -> bool:
    return bool(parse_name(card.name).sizes)


def _alike(table: GpuTable, name: CardName) -> tuple[str, ...]:
    """Cards that were probably meant: of one maker, with the same number or its digits in another order."""
    number = name.number
    if sum(map(str.isdigit, number)) < 2:
        return ()
    ranked = []
    every = (pair for pairs in _known(table, name.vendor).values() for pair in pairs)
    for place, (entry, card) in enumerate(every):
        if sorted(entry.number) == sorted(number):
            shared = sum(any(typed.startswith(word) for typed in name.words) for word in entry.words)
            further = len(set(entry.needed) - set(name.words))
            other_form = entry.laptop is not name.laptop
            ranked.append((entry.number != number, -shared, other_form, further, place, card.name))
    return tuple(dict.fromkeys(name for *_, name in sorted(ranked)))[:3]
