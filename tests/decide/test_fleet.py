"""Many doctors' answers in one list: what needs hands stands first, and nothing foreign breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from sdsetup.decide.fleet import by_need, row_of


def document(*statuses: str, card: str | None = "NVIDIA GeForce RTX 3060") -> dict[str, Any]:
    gpus = [] if card is None else [{"name": card, "vendor": "nvidia", "driver_version": "551.52"}]
    by_hand = {"text": "Do it.", "command": None}
    checks = [
        {
            "id": f"check-{n}",
            "status": status,
            "title": f"Title {n}",
            "summary": "said",
            "why": None,
            "fix": {"ok": None, "fail": {"text": "Do it.", "command": "do it"}}.get(status, by_hand),
        }
        for n, status in enumerate(statuses)
    ]
    return {
        "schema": "sdsetup.doctor/1",
        "ok": "fail" not in statuses,
        "machine": {"gpus": gpus},
        "checks": checks,
    }


def test_what_needs_hands_stands_first() -> None:
    rows = [
        row_of("fine", document("ok", "skip")),
        row_of("two", document("warn", "fail", "fail")),
        row_of("B", document("warn")),
        row_of("a", document("warn")),
        row_of("three", document("fail", "fail", "fail")),
        row_of("gone", {}),
        row_of("worse", document("fail", "fail", "warn", "warn")),
    ]
    assert [row.name for row in by_need(rows)] == ["gone", "three", "worse", "two", "a", "B", "fine"]


def test_a_row_tells_problems_before_warnings_with_the_command_that_fixes_them() -> None:
    row = row_of("pc", document("warn", "ok", "fail"))
    assert [(one.id, one.status, one.fix) for one in row.troubles] == [
        ("check-2", "fail", "do it"),
        ("check-0", "warn", "Do it."),
    ]
    assert (row.cards, row.driver, row.count) == (("NVIDIA GeForce RTX 3060",), "551.52", (1, 1))


def test_a_pc_without_a_card_has_a_row_like_any_other() -> None:
    assert row_of("pc", document("ok", card=None)).verdict == "ok"


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        [],
        "text",
        {},
        {"schema": "sdsetup.plan/1"},
        {**document("ok"), "checks": None},
        {**document("ok"), "checks": [{"id": "x"}]},
        {**document("ok"), "machine": {"gpus": [3]}},
    ],
)
def test_what_is_no_doctors_answer_is_listed_as_unreadable(foreign: Any) -> None:
    row = row_of("pc", foreign)
    assert row.verdict == "unreadable"
    assert row.unreadable
