"""Finding a card by its name: as a driver reports it, as a shop writes it, as a person types it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from sdsetup.catalog.gpus import Architecture, Card, GpuTable

_PARTS = re.compile(r"[a-z]+|\d+")
_SIZE = re.compile(r"\b(\d+(?:\.\d+)?)\s*gi?b\b", re.IGNORECASE)
# A laptop card held to less power: the same chip.
_MAX_Q = re.compile(r"(with )?max-?q( design)?")
# Words that name the maker or say nothing, and words of a product line that people leave out.
_NOISE = {
    "nvidia",
    "amd",
    "ati",
    "intel",
    "r",
    "tm",
    "corporation",
    "graphics",
    "gpu",
}
_LINES = {"geforce", "radeon", "quadro", "tesla", "instinct", "apple"}


@dataclass(frozen=True, kw_only=True)
class Match:
    """What a typed name can mean. `size_gib`: a size that was part of what was typed."""

    cards: tuple[Card, ...]
    size_gib: float | None = None
    suggestions: tuple[str, ...] = ()


def find(table: GpuTable, name: str | None) -> Card | None:
    """The entry for a name that a driver reports, or None. Laptop and Max-Q names may fall back on the
    desktop card's entry: the chip is of the same generation."""
    wanted = _parts(name or "")
    if not wanted:
        return None
    for known in (_parts, _short):
        for query in (wanted, _without_size(name or ""), _without(wanted, "laptop", "mobile")):
            found = [card for card in table.cards if known(card.name) == _dropped(query, known)]
            if found:
                return found[0]
    return None


def match(table: GpuTable, typed: str) -> Match:
    """Every card that a typed name can mean: the one of exactly that name, or all that contain it."""
    size = _SIZE.search(typed)
    exact = _named(table, _parts(typed), _parts) or _named(table, _short(typed), _short)
    if exact:
        return Match(cards=exact)
    bare = _SIZE.sub(" ", typed) if size else typed
    gib = float(size.group(1)) if size else None
    exact = _named(table, _parts(bare), _parts) or _named(table, _short(bare), _short)
    if exact:
        return Match(cards=exact, size_gib=gib)
    query = _short(bare)
    inside = tuple(card for card in table.cards if _contains(_short(card.name), query))
    if inside:
        return Match(cards=inside, size_gib=gib)
    return Match(cards=(), size_gib=gib, suggestions=_alike(table, bare))


def architecture_of(table: GpuTable, compute: tuple[int, int] | None) -> Architecture | None:
    """The generation that a compute capability belongs to; a newer minor version counts to its major one."""
    if compute is None:
        return None
    exact = [card for card in table.cards if card.compute == compute]
    alike = exact or [card for card in table.cards if card.compute is not None and card.compute[0] == compute[0]]
    return alike[0].architecture if alike else None


@lru_cache(maxsize=2048)
def _parts(name: str) -> tuple[str, ...]:
    """ "NVIDIA GeForce RTX 3060Ti" as ("geforce", "rtx", "3060", "ti")."""
    return tuple(part for part in _PARTS.findall(_MAX_Q.sub(" ", name.lower())) if part not in _NOISE)


def _short(name: str) -> tuple[str, ...]:
    """The parts without the product line: "GeForce RTX 3060" and "RTX 3060" are one."""
    parts = _parts(name)
    return tuple(part for part in parts if part not in _LINES) or parts


def _without_size(name: str) -> tuple[str, ...]:
    return _parts(_SIZE.sub(" ", name))


def _without(parts: tuple[str, ...], *words: str) -> tuple[str, ...]:
    return tuple(part for part in parts if part not in words)


def _dropped(parts: tuple[str, ...], known: object) -> tuple[str, ...]:
    return parts if known is _parts else (_without(parts, *_LINES) or parts)


def _named(table: GpuTable, query: tuple[str, ...], known: object) -> tuple[Card, ...]:
    split = _parts if known is _parts else _short
    return tuple(card for card in table.cards if query and split(card.name) == query)


def _contains(parts: tuple[str, ...], query: tuple[str, ...]) -> bool:
    length = len(query)
    return bool(query) and any(parts[n : n + length] == query for n in range(len(parts) - length + 1))


def _alike(table: GpuTable, typed: str) -> tuple[str, ...]:
    """Names that are nearly what was typed, nearest first."""
    names = {" ".join(_short(card.name)): card.name for card in table.cards}
    near = difflib.get_close_matches(" ".join(_short(typed)), names, n=3, cutoff=0.6)
    return tuple(names[name] for name in near)
