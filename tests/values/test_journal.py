from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.values.journal import FILE, Entry, Journal, from_json, to_json
from sdsetup.values.shape import misfit

NAMES = st.text(min_size=1, max_size=20)
ENTRIES = st.builds(
    Entry, key=NAMES, finished_at=NAMES, result=st.dictionaries(NAMES, st.one_of(st.integers(), NAMES, st.none()))
)


@given(st.dictionaries(NAMES, ENTRIES, max_size=5))
def test_what_is_stored_comes_back(entries: dict[str, Entry]) -> None:
    journal = Journal(entries=entries)
    assert from_json(json.loads(json.dumps(to_json(journal)))) == journal


def test_where_there_is_no_journal_nothing_was_done() -> None:
    assert from_json(None) == Journal()


@pytest.mark.parametrize("entry", [{"key": "k"}, {"key": 3, "finished_at": "x", "result": {}}, "x", None])
def test_a_damaged_entry_makes_the_journal_a_damaged_one(entry: object) -> None:
    good = {"key": "k", "finished_at": "x", "result": {}}
    assert misfit({"steps": {"a": good}}, FILE.shape) is None
    assert (misfit({"steps": {"a": good, "b": entry}}, FILE.shape) or "").startswith("steps.b")


def test_the_same_step_with_another_key_is_not_done() -> None:
    journal = Journal().having("clone", Entry(key="A", finished_at="now"))
    journal = journal.having("clone", Entry(key="B", finished_at="now"))
    # A, then B, then A again must run A: the disk holds B.
    assert not journal.done_with("clone", "A")
    assert journal.done_with("clone", "B")
    assert not journal.without("clone").done_with("clone", "B")
