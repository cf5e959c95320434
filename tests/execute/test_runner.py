"""The runner: order, memory after every step, lessons. Real steps in a real folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.runner import Runner, load_corrections, load_journal
from sdsetup.machine.real import RealMachine
from sdsetup.rehearsal.stand_ins import make_repository, webui_files
from sdsetup.text import Text
from sdsetup.values.corrections import Correction
from sdsetup.values.events import Event
from sdsetup.values.plan import CloneRepository, CloneWebUI, Plan, Step, WriteLauncher, step_keys


def step(name: str, action: object, *needs: str, state: str = "todo") -> Step:
    return Step(id=name, title=Text(name), detail=Text(""), action=action, needs=needs, state=state)  # type: ignore[arg-type]


@pytest.fixture
def steps(tmp_path: Path) -> tuple[Step, ...]:
    webui = make_repository(tmp_path / "webui.git", webui_files(), tag="v1", git="git")
    blip = make_repository(tmp_path / "blip.git", {"README.md": b"blip\n"}, tag="v1", git="git")
    return (
        step(
            "webui", CloneWebUI(urls=((tmp_path / "webui.git").as_uri(),), commit=webui, ref="v1", branch="master")
        ),
        step(
            "repository:BLIP",
            CloneRepository(name="BLIP", urls=((tmp_path / "blip.git").as_uri(),), commit=blip),
            "webui",
        ),
        step("launcher:sh", WriteLauncher(kind="sh", flags=("--medvram",), env=()), "webui"),
    )


def context(tmp_path: Path, listen: list[Event]) -> Context:
    return Context(
        dir=tmp_path / "sd",
        tools=tmp_path / "tools",
        cache=tmp_path / "cache",
        machine=RealMachine(),
        listen=listen.append,
    )


def test_steps_run_in_order_and_are_remembered_with_their_keys(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    events: list[Event] = []
    Runner(Plan(dir=str(tmp_path / "sd"), steps=steps), context(tmp_path, events)).run()
    assert [e.step for e in events if e.kind == "finished"] == [s.id for s in steps]
    journal = load_journal(tmp_path / "sd" / ".sdsetup")
    assert {name: entry.key for name, entry in journal.entries.items()} == step_keys(steps)
    assert (tmp_path / "sd" / "repositories" / "BLIP" / "README.md").read_text() == "blip\n"
    assert "--medvram" in (tmp_path / "sd" / "webui-user.sh").read_text()


def test_a_failed_step_is_not_remembered_and_the_finished_ones_are(
    tmp_path: Path, steps: tuple[Step, ...]
) -> None:
    dead = step(
        "repository:BLIP",
        CloneRepository(name="BLIP", urls=((tmp_path / "none.git").as_uri(),), commit="a" * 40),
        "webui",
    )
    events: list[Event] = []
    with pytest.raises(SdsetupError):
        Runner(Plan(dir=str(tmp_path / "sd"), steps=(steps[0], dead, steps[2])), context(tmp_path, events)).run()
    assert set(load_journal(tmp_path / "sd" / ".sdsetup").entries) == {"webui"}
    assert [(e.kind, e.step) for e in events if e.kind in ("finished", "failed")] == [
        ("finished", "webui"),
        ("failed", "repository:BLIP"),
    ]


def test_an_entry_is_removed_before_its_step_starts(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    place = str(tmp_path / "sd")
    Runner(Plan(dir=place, steps=steps), context(tmp_path, [])).run()
    dead = step("launcher:sh", WriteLauncher(kind="sh", flags=("no flag",), env=()), "webui")
    with pytest.raises(SdsetupError):
        Runner(
            Plan(dir=place, steps=(step("webui", steps[0].action, state="done"), dead)), context(tmp_path, [])
        ).run()
    # Half done never reads as done, even though an earlier run had finished it.
    assert "launcher:sh" not in load_journal(tmp_path / "sd" / ".sdsetup").entries


def test_a_lesson_changes_later_steps_and_what_is_remembered_of_earlier_ones(
    tmp_path: Path, steps: tuple[Step, ...]
) -> None:
    plan = Plan(dir=str(tmp_path / "sd"), steps=steps)
    runner = Runner(plan, context(tmp_path, []), card="RTX 3060")
    runner.run()
    runner.learn(
        Correction(because=Text("the picture was black"), add_flags=("--no-half-vae",), drop_flags=("--medvram",))
    )
    journal = load_journal(tmp_path / "sd" / ".sdsetup")
    action = steps[2].action
    assert isinstance(action, WriteLauncher)
    corrected = WriteLauncher(kind="sh", flags=("--no-half-vae",), env=(), drop_flags=("--medvram",))
    wanted = step_keys((*steps[:2], step("launcher:sh", corrected, "webui")))
    assert journal.entries["launcher:sh"].key == wanted["launcher:sh"]
    learned = load_corrections(tmp_path / "sd" / ".sdsetup")
    assert (learned.card, len(learned.corrections)) == ("RTX 3060", 1)
    assert json.loads((tmp_path / "sd" / ".sdsetup" / "learned.json").read_text())["schema"] == "sdsetup.learned/1"
