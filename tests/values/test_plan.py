"""Keys of steps: what changes them, and what must not."""

from __future__ import annotations

from dataclasses import replace

from sdsetup.text import Text
from sdsetup.values.plan import CloneWebUI, FetchFile, Plan, Source, Step, WriteLauncher, step_keys

CLONE = CloneWebUI(urls=("https://a/x.git",), commit="a" * 40, ref="v1", branch="master")
MODEL = FetchFile(name="m", save_as="models/m", size=3, sha256="b" * 64, sources=(Source(url="https://a/m"),))


def step(name: str, action: object, *needs: str, size: int = 0, state: str = "todo") -> Step:
    return Step(
        id=name,
        title=Text(name),
        detail=Text(""),
        action=action,
        needs=needs,
        bytes=size,
        state=state,  # type: ignore[arg-type]
    )


def test_a_key_follows_the_action_and_the_steps_it_rests_on() -> None:
    steps = (step("webui", CLONE), step("model", MODEL, "webui"))
    keys = step_keys(steps)
    moved = step_keys((step("webui", replace(CLONE, commit="c" * 40)), step("model", MODEL, "webui")))
    assert moved["webui"] != keys["webui"]
    assert moved["model"] != keys["model"]
    assert step_keys(steps) == keys


def test_a_moved_mirror_leaves_the_key_as_it_is() -> None:
    keys = step_keys((step("webui", CLONE), step("model", MODEL)))
    elsewhere = step_keys(
        (
            step("webui", replace(CLONE, urls=("https://b/x.git",))),
            step("model", replace(MODEL, sources=(Source(url="https://b/m"),))),
        )
    )
    assert elsewhere == keys


def test_kinds_with_the_same_fields_have_different_keys() -> None:
    bat = step("l", WriteLauncher(kind="bat", flags=("--xformers",), env=()))
    shell = step("l", WriteLauncher(kind="sh", flags=("--xformers",), env=()))
    assert step_keys((bat,)) != step_keys((shell,))


def test_a_plan_counts_only_what_is_still_to_do() -> None:
    plan = Plan(dir="/d", steps=(step("a", CLONE, size=5, state="done"), step("b", MODEL, size=7)))
    assert plan.bytes == 7
    assert [s.id for s in plan.todo] == ["b"]
