"""README.ru.md compares the article's flags with ours, card by card: both columns must be what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from decide.tuning_tables import gpus, tuned
from sdsetup.decide.tuning.card_lookup import match
from sdsetup.decide.tuning.what_if import DescribedMachine, SupposedCard, describe
from sdsetup.values.facts import GIB, Facts, Memory, System

README = Path(__file__).resolve().parents[1] / "README.ru.md"
ROW = re.compile(r"^\| (?P<name>(?:GTX|RTX) .+?) (?P<gb>\d+) ГБ \| `(?P<article>.*?)` \| `(?P<ours>.*?)` \|", re.M)
ROWS = [found.groupdict() for found in ROW.finditer(README.read_text(encoding="utf-8"))]
PC = Facts(system=System(family="windows", arch="AMD64"), memory=Memory(total_bytes=16 * GIB))


def test_there_is_a_table() -> None:
    assert {row["name"] for row in ROWS} >= {"GTX 1060", "RTX 5070"}


def test_the_sizes_are_those_of_the_english_readme() -> None:
    english = (README.parent / "README.md").read_text(encoding="utf-8")
    needed = re.search(r"needs about (\d+) GB of free disk space and downloads\s+about (\d+) GB", english)
    assert needed is not None
    assert list(needed.groups()) == re.findall(r"около (\d+) ГБ", README.read_text(encoding="utf-8"))[:2]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_the_table_is_what_the_rules_say(row: dict[str, str]) -> None:
    # A name of several sizes stands for several cards; the size in the table chooses.
    (card,) = (one for one in match(gpus(), f"{row['name']} {row['gb']}GB").cards)
    pc = describe(PC, DescribedMachine(cards=(SupposedCard(card=card, vram_gib=float(row["gb"])),)))
    assert set(row["article"].split()) == set(tuned(pc, "article-2023").flags)
    assert set(row["ours"].split()) == set(tuned(pc).flags)
