from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.values.journal import Entry, Journal, from_json, to_json

NAMES = st.text(min_size=1, max_size=20)
ENTRIES = st.builds(
    Entry, key=NAMES, finished_at=NAMES, result=st.dictionaries(NAMES, st.one_of(st.integers(), NAMES, st.none()))
)


@given(st.dictionaries(NAMES, ENTRIES, max_size=5))
def test_what_is_stored_comes_back(entries: dict[str, Entry]) -> None:
    journal = Journal(entries=entries)
    assert from_json(json.loads(json.dumps(to_json(journal)))) == journal


@pytest.mark.parametrize(
    "stored",
    [
        None,
        3,
        [],
        {},
        {"schema": "other/9", "steps": {"a": {"key": "k"}}},
        {"schema": "sdsetup.journal/1", "steps": 3},
    ],
)
def test_a_damaged_or_foreign_journal_is_an_empty_one(stored: object) -> None:
    assert from_json(stored) == Journal()


def test_a_damaged_entry_is_forgotten_and_the_others_stay() -> None:
    stored = {"schema": "sdsetup.journal/1", "steps": {"a": {"key": "k"}, "b": {"key": 3}, "c": "x"}}
    assert set(from_json(stored).entries) == {"a"}


def test_the_same_step_with_another_key_is_not_done() -> None:
    journal = Journal().having("clone", Entry(key="A", finished_at="now"))
    journal = journal.having("clone", Entry(key="B", finished_at="now"))
    # A, then B, then A again must run A: the disk holds B.
    assert not journal.done_with("clone", "A")
    assert journal.done_with("clone", "B")
    assert not journal.without("clone").done_with("clone", "B")
