"""One step back, cut off anywhere: the same command ends it, and nothing of the person's is lost."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from execute.gitlab import context_for
from sdsetup.errors import SdsetupError
from sdsetup.execute import undo
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import exchange
from sdsetup.execute.kept import kept_things
from sdsetup.storage import write_json

forks = pytest.mark.skipif(os.name == "nt", reason="a child process is stopped in the middle")

_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate")
_stopping: list[Callable[[], None]] = []  # what happens at the next change of a file; a hook cannot be taken out


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if _stopping and (writes or event in _CHANGES):
        _stopping[0]()


def environment(venv: Path, lock: str | None, made: int) -> None:
    (venv / "lib").mkdir(parents=True)
    (venv / "lib" / "extension.py").write_text(f"added to {lock}")
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    os.utime(venv / "pyvenv.cfg", (made, made))
    if lock is not None:
        write_json(venv / ".sdsetup-environment.json", {"lock": lock})


def changed_installation(folder: Path, *, own: bool = False) -> Context:
    """A card was exchanged: environment, launch file and record are others than before. `own`: the environment
    before was the person's own."""
    context = context_for(folder)
    environment(folder / "venv", None if own else "old", 1000)
    (folder / "webui-user.sh").write_text("old --mine\n")
    write_json(context.state / "machine.json", {"schema": "sdsetup.machine/1", "card": "old", "profile": "p"})
    write_json(context.state / "learned.json", {"old": 1})
    undo.stage(context)
    environment(context.state / "partial" / "venv", "new", 2000)
    exchange(context.state / "partial" / "venv", context)
    (folder / "webui-user.sh").write_text("new --mine --more\n")
    undo.keep_staged(context)
    write_json(context.state / "machine.json", {"schema": "sdsetup.machine/1", "card": "new", "profile": "p"})
    (context.state / "learned.json").unlink()
    (folder / "models").mkdir()
    (folder / "models" / "mine.safetensors").write_text("mine")
    return context


def state(context: Context) -> dict[str, str]:
    files = [context.dir / "webui-user.sh", context.dir / "venv" / "lib" / "extension.py"]
    files += [context.state / name for name in ("machine.json", "learned.json")]
    return {path.name: path.read_text() for path in files if path.exists()}


def everything(context: Context) -> set[str]:
    """What every file holds that is not only our own."""
    return {
        path.read_text()
        for path in context.dir.rglob("*")
        if path.suffix in (".py", ".safetensors", ".sh", ".bak")
    }


@pytest.mark.parametrize("own", [False, True])
def test_back_and_forth(tmp_path: Path, own: bool) -> None:
    context = changed_installation(tmp_path / "d", own=own)
    after = state(context)
    point = undo.bring_back(context)
    assert (point.machine.card, point.environment) == ("old", True)
    before = state(context)
    assert before["webui-user.sh"] == "old --mine\n"
    assert before["extension.py"] == ("added to None" if own else "added to old")
    assert "learned.json" in before
    undo.bring_back(context)
    assert state(context) == after
    undo.bring_back(context)
    assert state(context) == before


def stopped_at(
    number: int,
    context: Context,
    how: Callable[[], None],
    what: Callable[[Context], object] = undo.bring_back,
) -> int:
    """Undo (or `what`) in a child process, with `how` at its n-th change of a file; the child's exit code."""
    child = os.fork()
    if child == 0:
        left = [number]

        def stop() -> None:
            left[0] -= 1
            if left[0] < 0:
                how()

        sys.addaudithook(_watch)
        _stopping.append(stop)
        code = 3
        try:
            what(context)
            code = 0
        except SdsetupError as error:
            code = 1 if error.hint else 4
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed() -> None:
    os._exit(137)


def held() -> None:
    raise PermissionError(13, "The process cannot access the file because it is being used by another process")


@forks
@pytest.mark.parametrize("how", [killed, held])
def test_stopped_at_any_change_the_same_command_ends_it(tmp_path: Path, how: Callable[[], None]) -> None:
    whole = changed_installation(tmp_path / "whole")
    theirs = everything(whole)
    undo.bring_back(whole)
    for number in range(200):
        context = changed_installation(tmp_path / f"d{number}")
        code = stopped_at(number, context, how)
        assert code in (0, 1, 137), number
        assert theirs <= everything(context), number
        going = context.state / "undo.going"
        if going.exists() or state(context) != state(whole):  # killed after the last move, it was done
            undo.bring_back(context)
        assert state(context) == state(whole), number
        assert theirs <= everything(context), number
        assert not going.exists(), number
        undo.bring_back(context)  # what was remembered leads forward again
        assert state(context)["extension.py"] == "added to new", number
        if code == 0:
            break
    assert number > 20


@pytest.mark.parametrize("step", ["environment", "launcher:sh"])
@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_the_point_survives_an_install_that_was_killed_within_a_change(
    tmp_path: Path, step: str, moment: str
) -> None:
    context = context_for(tmp_path / "d")
    environment(context.dir / "venv", "old", 1000)
    (context.dir / "webui-user.sh").write_text("old\n")
    write_json(context.state / "machine.json", {"schema": "sdsetup.machine/1", "card": "old", "profile": "p"})
    environment(context.state / "partial" / "venv", "new", 2000)

    def change() -> None:
        if step == "environment":
            exchange(context.state / "partial" / "venv", context)
        else:
            (context.dir / "webui-user.sh").write_text("new\n")

    undo.stage(context)
    undo.changing(replace(context, step=step))
    if moment == "between" and step == "environment":
        (context.state / "former").mkdir()
        (context.dir / "venv").rename(context.state / "former" / "venv")
    elif moment == "after":
        change()
    undo.stage(context)  # the next run, after a kill
    undo.changing(replace(context, step=step))
    if moment != "after":
        change()
    undo.keep_staged(context)
    undo.bring_back(context)
    assert state(context)["extension.py"] == "added to old"
    assert state(context)["webui-user.sh"] == "old\n"


def test_what_was_edited_after_a_run_that_changed_nothing_is_remembered(tmp_path: Path) -> None:
    context = changed_installation(tmp_path / "d")
    undo.stage(context)
    undo.changing(replace(context, step="environment"))  # killed while it was downloading
    (context.dir / "webui-user.sh").write_text("edited\n")
    undo.stage(context)
    assert (context.state / "undo.new" / "webui-user.sh").read_text() == "edited\n"


def test_an_environment_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    context = changed_installation(tmp_path / "d")
    before = state(context)
    shutil.rmtree(context.state / "former")
    with pytest.raises(SdsetupError) as caught:
        undo.bring_back(context)
    assert caught.value.code == "environment-gone"
    assert state(context) == before


def test_a_linked_launch_file_stays_a_link(tmp_path: Path) -> None:
    context = changed_installation(tmp_path / "d")
    dotfile = tmp_path / "dotfiles" / "launch"
    dotfile.parent.mkdir()
    shutil.move(context.dir / "webui-user.sh", dotfile)
    try:
        (context.dir / "webui-user.sh").symlink_to(dotfile)
    except OSError:
        pytest.skip("no links here")
    undo.bring_back(context)
    assert (context.dir / "webui-user.sh").is_symlink()
    assert dotfile.read_text() == "old --mine\n"
    assert [path.name for path in dotfile.parent.iterdir()] == ["launch"]


def test_what_was_set_aside_is_listed_with_its_size(tmp_path: Path) -> None:
    context = changed_installation(tmp_path / "d")
    (context.dir / "webui-user.sh.2026-01-02.bak").write_text("12345")
    (context.dir / "launch.py.damaged").write_text("12")
    (context.state / "journal.json.damaged-2").write_text("1234")
    models = context.dir / "models" / "Stable-diffusion"
    models.mkdir()
    for name in ("a.kept.safetensors", "a.safetensors.old-2", "a.safetensors.bad", "a.safetensors", "bad.ckpt"):
        (models / name).write_text("123")
    found = {kept.path.relative_to(context.dir).as_posix(): kept.bytes for kept in kept_things(context.dir)}
    venv = sum(path.stat().st_size for path in (context.state / "former").rglob("*") if path.is_file())
    assert found == {
        ".sdsetup/former/venv": venv,
        "webui-user.sh.2026-01-02.bak": 5,
        "launch.py.damaged": 2,
        ".sdsetup/journal.json.damaged-2": 4,
        "models/Stable-diffusion/a.kept.safetensors": 3,
        "models/Stable-diffusion/a.safetensors.old-2": 3,
        "models/Stable-diffusion/a.safetensors.bad": 3,
    }
    assert json.loads((context.state / "undo" / "point.json").read_text())["environment"].startswith("old@")


def test_what_is_listed_is_what_its_removal_would_free(tmp_path: Path) -> None:
    """An environment shares its files with the cache it was made from and with the one that replaced it."""
    context = changed_installation(tmp_path / "d")
    former = context.state / "former" / "venv"
    (former / "own.py").write_text("12345")
    own = sum(path.stat().st_size for path in former.rglob("*") if path.is_file())
    (tmp_path / "cached").write_text("shared with the cache")
    os.link(tmp_path / "cached", former / "shared.py")
    (former / "twice.py").write_text("123")
    os.link(former / "twice.py", former / "twice-again.py")
    (found,) = (kept for kept in kept_things(context.dir) if kept.path == former)
    assert found.bytes == own + 3
