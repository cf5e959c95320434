"""Several steps back, code included: every state stays within reach, killed anywhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from execute.gitlab import context_for
from execute.test_undo import environment, forks, killed, stopped_at
from sdsetup.errors import SdsetupError
from sdsetup.execute import undo
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import exchange
from sdsetup.storage import write_json


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def record(context: Context, name: str) -> None:
    write_json(context.state / "machine.json", {"schema": "sdsetup.machine/1", "card": name, "profile": "p"})


def change(context: Context, name: str, made: int) -> None:
    """What an installation run does: another environment, another launch file."""
    undo.stage(context)
    environment(context.state / "partial" / "venv", name, made)
    exchange(context.state / "partial" / "venv", context)
    (context.dir / "webui-user.sh").write_text(f"{name}\n")
    undo.keep_staged(context)
    record(context, name)


def state(context: Context) -> tuple[str, str, str]:
    code = (context.dir / "launch.py").read_text() if (context.dir / "launch.py").exists() else ""
    venv = (context.dir / "venv" / "lib" / "extension.py").read_text().removeprefix("added to ")
    return code, venv, (context.dir / "webui-user.sh").read_text().strip()


def with_history(folder: Path, count: int = 4) -> Context:
    context = context_for(folder)
    environment(folder / "venv", "v0", 1000)
    (folder / "webui-user.sh").write_text("v0\n")
    record(context, "v0")
    for number in range(1, count):
        change(context, f"v{number}", 1000 * (number + 1))
    return context


def test_every_state_is_listed_and_can_be_gone_to(tmp_path: Path) -> None:
    context = with_history(tmp_path / "d")
    assert [(one.number, one.machine.card, one.reason) for one in undo.points(context)] == [
        (1, "v2", "install"),
        (2, "v1", "install"),
        (3, "v0", "install"),
    ]
    assert all(one.bytes > 0 and one.environment and not one.environment_gone for one in undo.points(context))
    undo.bring_back(context, 3)
    assert state(context) == ("", "v0", "v0")
    assert [(one.machine.card, one.reason) for one in undo.points(context)] == [
        ("v3", "undo"),
        ("v2", "install"),
        ("v1", "install"),
    ]
    undo.bring_back(context)  # forward again
    assert state(context) == ("", "v3", "v3")
    assert {one.machine.card for one in undo.points(context)} == {"v0", "v1", "v2"}
    with pytest.raises(SdsetupError) as caught:
        undo.bring_back(context, 9)
    assert caught.value.code == "nothing-to-undo"


def test_a_point_whose_environment_was_deleted_says_so(tmp_path: Path) -> None:
    context = with_history(tmp_path / "d")
    for path in (context.state / "former").iterdir():
        if "v1" in (path / "lib" / "extension.py").read_text():
            path.rename(tmp_path / "elsewhere")
            break
    assert [one.environment_gone for one in undo.points(context)] == [False, True, False]
    before = state(context)
    with pytest.raises(SdsetupError) as caught:
        undo.bring_back(context, 2)
    assert caught.value.code == "environment-gone"
    assert state(context) == before
    assert len(undo.points(context)) == 3


def test_models_stay_and_those_added_since_are_named(tmp_path: Path) -> None:
    context = with_history(tmp_path / "d", 2)
    models = context.dir / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    (models / "new.safetensors").write_text("mine")
    (found,) = undo.points(context)
    assert found.models_since == ("new.safetensors",)
    undo.bring_back(context)
    assert (models / "new.safetensors").read_text() == "mine"


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    context = with_history(tmp_path / "d", undo.KEPT_POINTS + 5)
    found = undo.points(context)
    assert len(found) == undo.KEPT_POINTS
    assert found[0].machine.card == f"v{undo.KEPT_POINTS + 3}"


def updated(folder: Path) -> Context:
    """A web UI that was moved to a second commit, with an own edit and an own commit on another branch."""
    context = context_for(folder)
    git(folder.parent, "init", "-q", "-b", "master", str(folder))
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "exclude").write_text("/.sdsetup/\n/venv/\n/webui-user.*.bak\n")
    for name in ("one", "two"):
        (folder / "launch.py").write_text(name)
        (folder / "style.css").write_text("upstream\n")
        (folder / "webui-user.sh").write_text("old\n")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", name)
    git(folder, "checkout", "-q", "-B", "master", "HEAD~1")
    git(folder, "branch", "two", "master@{1}")
    environment(folder / "venv", "old", 1000)
    (folder / "webui-user.sh").write_text("mine\n")
    (folder / "style.css").write_text("edited\n")
    record(context, "old")
    environment(context.state / "update" / "venv", "new", 2000)
    return context


def put_in(context: Context) -> None:
    undo.go_on_to(
        context,
        commit=git(context.dir, "rev-parse", "two"),
        branch="master",
        venv=context.state / "update" / "venv",
        ours={"machine.json": {"schema": "sdsetup.machine/1", "card": "new", "profile": "p"}},
        detail="two",
    )


def test_an_update_and_back_and_forward(tmp_path: Path) -> None:
    context = updated(tmp_path / "d")
    put_in(context)
    assert state(context) == ("two", "new", "mine")
    (found,) = undo.points(context)
    assert (found.reason, found.detail, found.code, found.environment) == ("update", "two", True, True)
    undo.bring_back(context)
    assert state(context) == ("one", "old", "mine")
    assert git(context.dir, "symbolic-ref", "--short", "HEAD") == "master"
    undo.bring_back(context)
    assert state(context) == ("two", "new", "mine")
    assert (context.dir / "style.css").read_text() == "edited\n"


def test_code_that_is_in_the_way_of_an_own_edit_changes_nothing(tmp_path: Path) -> None:
    context = updated(tmp_path / "d")
    (context.dir / "launch.py").write_text("my own")
    with pytest.raises(SdsetupError) as caught:
        put_in(context)
    assert caught.value.code == "local-changes"
    assert state(context) == ("my own", "old", "mine")
    assert undo.points(context) == ()
    assert not undo.finish(context)


@forks
@pytest.mark.timeout(600)
def test_killed_at_any_change_an_update_is_finished_by_the_next_command(tmp_path: Path) -> None:
    for number in range(0, 400, 3):
        context = updated(tmp_path / f"d{number}")
        code = stopped_at(number, context, killed, what=put_in)
        begun = (context.state / "undo.going" / "plan.json").exists()
        undo.finish(context)
        assert state(context) in (("one", "old", "mine"), ("two", "new", "mine")), number
        assert not begun or state(context)[0] == "two", number
        assert (context.dir / "style.css").read_text() == "edited\n", number
        if state(context)[0] == "two":
            undo.bring_back(context)
            assert state(context) == ("one", "old", "mine"), number
        if code == 0:
            break
    assert number > 20


@forks
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [2, 3])
def test_killed_on_the_way_to_an_older_state_no_other_is_forgotten(tmp_path: Path, number: int) -> None:
    for at in range(400):
        context = with_history(tmp_path / f"d{at}")
        code = stopped_at(at, context, killed, what=lambda context: undo.bring_back(context, number))
        undo.finish(context)
        cards = {one.machine.card for one in undo.points(context)}
        gone_to = state(context)[1]
        assert cards | {gone_to} == {"v0", "v1", "v2", "v3"}, at
        if code == 0:
            break
    assert at > 20
    assert gone_to == f"v{3 - number}"
