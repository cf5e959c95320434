"""The plan on one screen: details of each step only where the window has room for them."""

from __future__ import annotations

import pytest

from sdsetup.show.plan import show_plan
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.plan import Plan, ProveTorch, Step


def test_details_of_steps_need_room(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    action = ProveTorch(expect_gpu=False)
    steps = tuple(
        Step(id=f"step-{n}", title=Text("Step {n}", n=n), detail=Text("detail {n}", n=n), action=action)
        for n in range(10)
    )
    plan = Plan(dir="/sd", steps=steps, free_bytes=10**11)
    seen = {}
    for lines, verbose in ((40, False), (24, False), (24, True)):
        monkeypatch.setenv("LINES", str(lines))
        show_plan(plan, Screen(verbose=verbose))
        out = capsys.readouterr().out
        assert all(f"Step {n}" in out for n in range(10))
        assert out.count("\n") < lines or verbose
        seen[lines, verbose] = "detail 3" in out
    assert seen == {(40, False): True, (24, False): False, (24, True): True}
