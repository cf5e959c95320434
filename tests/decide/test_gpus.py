"""Finding cards by name: as drivers report them, as shops write them, as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.tuning_tables import gpus
from sdsetup.decide.tuning.cards import architecture_of, find, match


@pytest.mark.parametrize(
    ("reported", "entry"),
    [
        ("NVIDIA GeForce RTX 3060", "GeForce RTX 3060"),
        ("GeForce GTX 1660", "GeForce GTX 1660"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", "GeForce RTX 3060 Laptop GPU"),
        ("NVIDIA GeForce GTX 1650 with Max-Q Design", "GeForce GTX 1650"),
        ("NVIDIA GeForce RTX 2070 Laptop GPU", "GeForce RTX 2070"),
        ("NVIDIA GeForce GTX 1060 6GB", "GeForce GTX 1060 6GB"),
        ("Tesla P40", "Tesla P40"),
        ("NVIDIA Tesla P40", "Tesla P40"),
        ("Tesla V100-SXM2-16GB", "Tesla V100-SXM2"),
        ("Tesla M40 24GB", "Tesla M40"),
        ("NVIDIA T1000 8GB", "T1000 8GB"),
        ("NVIDIA T1000", "T1000"),
        ("Quadro T1000", "Quadro T1000"),
        ("NVIDIA TITAN X (Pascal)", "TITAN X Pascal"),
        ("NVIDIA A100-PCIE-40GB", "A100-PCIE-40GB"),
        ("AMD Radeon RX 6700 XT", "Radeon RX 6700 XT"),
        ("Radeon RX 580 Series", None),
        ("Intel(R) Arc(TM) A770 Graphics", "Arc A770"),
        ("Intel(R) UHD Graphics 630", "UHD Graphics 630"),
        ("Apple M2", "Apple M2"),
        ("Microsoft Basic Display Adapter", None),
        ("", None),
        (None, None),
    ],
)
def test_names_that_drivers_report(reported: str | None, entry: str | None) -> None:
    card = find(gpus(), reported)
    assert (card.name if card else None) == entry


@pytest.mark.parametrize(
    ("typed", "cards", "size"),
    [
        ("RTX 5060 Ti", ["GeForce RTX 5060 Ti"], None),
        ("rtx5060ti", ["GeForce RTX 5060 Ti"], None),
        ("5060 ti 16gb", ["GeForce RTX 5060 Ti"], 16),
        ("RTX 3060", ["GeForce RTX 3060"], None),
        ("RTX 3060 12GB", ["GeForce RTX 3060"], 12),
        ("GTX 1060 6GB", ["GeForce GTX 1060 6GB"], None),
        ("3060", ["GeForce RTX 3060", "GeForce RTX 3060 Laptop GPU", "GeForce RTX 3060 Ti"], None),
        ("4070 super", ["GeForce RTX 4070 SUPER"], None),
        ("RX 6700XT", ["Radeon RX 6700 XT"], None),
        ("NVIDIA GeForce GTX 1070", ["GeForce GTX 1070"], None),
        ("titan x", ["GeForce GTX TITAN X", "TITAN X Pascal"], None),
        ("p40", ["Tesla P40"], None),
        ("arc a770", ["Arc A770"], None),
        ("m2 pro", ["Apple M2 Pro"], None),
        ("Voodoo 2", [], None),
    ],
)
def test_names_that_people_type(typed: str, cards: list[str], size: float | None) -> None:
    meant = match(gpus(), typed)
    assert [card.name for card in meant.cards] == cards
    assert meant.size_gib == size


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("RTX 5060 Tii", "GeForce RTX 5060 Ti"),
        ("GFX 1080", "GeForce GTX 1080"),
        ("RX 9700 XT", "Radeon RX 9070 XT"),
    ],
)
def test_a_misspelled_name_suggests(typed: str, suggestion: str) -> None:
    meant = match(gpus(), typed)
    assert meant.cards == () and suggestion in meant.suggestions


def test_every_card_is_found_by_its_own_name() -> None:
    for card in gpus().cards:
        assert find(gpus(), card.name) == card
        assert card in match(gpus(), card.name).cards


@pytest.mark.parametrize(
    ("compute", "generation"),
    [((8, 6), "Ampere"), ((8, 9), "Ada Lovelace"), ((7, 5), "Turing"), ((7, 0), "Volta"), ((12, 0), "Blackwell"),
     ((10, 3), "Blackwell"), ((3, 5), "Kepler"), ((2, 1), "Fermi"), ((15, 0), None), (None, None)],
)  # fmt: skip
def test_the_generation_of_a_compute_capability(compute: tuple[int, int] | None, generation: str | None) -> None:
    found = architecture_of(gpus(), compute)
    assert (found.name if found else None) == generation


def test_the_table_is_whole() -> None:
    cards = gpus().cards
    assert len(cards) >= 312
    for card in cards:
        assert (card.compute is not None) == (card.vendor == "nvidia"), card.name
        assert (card.gfx is not None) == (card.vendor == "amd"), card.name
        assert card.vram_gib or "integrated" in card.traits, card.name
        assert 2009 < card.year < 2027
    # The chips whose half precision is broken, by maker's name of the chip.
    broken = {card.chip for card in cards if "broken-fp16" in card.traits}
    assert broken == {"TU116", "TU117"}
    assert all("broken-fp16" in card.traits for card in cards if card.chip in broken)


@given(st.text(max_size=40))
def test_any_text_may_be_a_name(name: str) -> None:
    find(gpus(), name)
    meant = match(gpus(), name)
    assert not (meant.cards and meant.suggestions)
