"""An installation broken in one way after another: doctor names it, one command makes it good."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from documents import document
from sdsetup.values.layout import PRACTICE_MARK

if TYPE_CHECKING:
    from conftest import Rehearsal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.name == "nt", reason="paths of an environment on Linux and macOS"),
]


def packages(folder: Path) -> Path:
    return next((folder / "venv").glob("lib/python3.*/site-packages"))


def of_another_build(folder: Path) -> None:
    info = next(packages(folder).glob("torch-*.dist-info"))
    info.rename(info.with_name("torch-9.9.9+cu999.dist-info"))


def half_cloned(folder: Path) -> None:
    shutil.rmtree(folder / "repositories" / "BLIP")
    subprocess.run(["git", "init", "--quiet", str(folder / "repositories" / "BLIP")], check=True)


def without_package(folder: Path) -> None:
    gone = list(packages(folder).glob("clip_anytorch*"))
    assert gone
    for path in gone:
        shutil.rmtree(path)


def cut_file(folder: Path) -> None:
    path = packages(folder) / "torch" / "__init__.py"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:20])


def environment_elsewhere(folder: Path) -> None:
    with (folder / "webui-user.sh").open("a") as file:
        file.write('venv_dir="other"\n')


def emptied_settings(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\0" * 40)


def web_page_for_a_model(folder: Path) -> None:
    (folder / "models" / "Stable-diffusion" / "model.safetensors").write_text("<!DOCTYPE html><html>")


# What is broken, by which id doctor names it, and the steps that make it good.
BREAKS: list[tuple[Callable[[Path], Any], str, set[str]]] = [
    (lambda folder: shutil.rmtree(folder / "venv" / "bin"), "environment", {"environment"}),
    (of_another_build, "environment", {"environment"}),
    (without_package, "environment", {"environment"}),
    (cut_file, "environment", {"environment"}),
    (lambda folder: (folder / "webui.py").write_text(""), "webui", {"webui"}),
    (
        lambda folder: shutil.rmtree(folder / "repositories" / "k-diffusion"),
        "repositories",
        {"repository:k-diffusion"},
    ),
    (half_cloned, "repositories", {"repository:BLIP"}),
    (lambda folder: (folder / "webui-user.sh").unlink(), "launch-file", {"launcher:sh"}),
    (environment_elsewhere, "launch-file", {"launcher:sh"}),
    (emptied_settings, "settings", {"settings"}),
    (web_page_for_a_model, "models", {"model"}),
]


def status_of(rehearsal: Rehearsal, id: str) -> str:
    said = document(rehearsal.sdsetup("doctor", "--json", "--dir", str(rehearsal.dir)).stdout)
    return next(check["status"] for check in said["checks"] if check["id"] == id)


def planned(rehearsal: Rehearsal, *more: str) -> set[str]:
    done = rehearsal.run("--dry-run", "--json", *more)
    assert done.returncode == 0, done.stderr
    return {step["id"] for step in document(done.stdout)["steps"] if step["state"] == "todo"}


def test_whatever_is_broken_is_named_and_made_good(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    own = rehearsal.dir / "outputs" / "mine.png"
    own.parent.mkdir()
    own.write_bytes(b"a picture")
    assert planned(rehearsal, "--no-picture") == set()
    for broken, id, steps in BREAKS:
        broken(rehearsal.dir)
        assert status_of(rehearsal, id) == "fail", (id, steps)
        # What proves the web UI is done again; nothing else beside the step itself.
        assert planned(rehearsal, "--no-picture") - {"torch", "check"} == steps
        done = rehearsal.run("--no-picture")
        assert done.returncode == 0, (id, done.stdout + done.stderr)
        # The stand-ins' repositories are at other commits than the real ones.
        assert status_of(rehearsal, id) in ("ok", "warn" if id == "repositories" else "ok"), (id, steps)
        assert own.read_bytes() == b"a picture"
    assert planned(rehearsal, "--no-picture") == set()
    assert (rehearsal.dir / ".sdsetup" / "former" / "config.json").is_file()


def test_an_environment_that_the_launch_file_names_is_the_one_that_counts(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    other = rehearsal.dir / "other"
    (rehearsal.dir / "venv").rename(other)
    environment_elsewhere(rehearsal.dir)
    said = document(rehearsal.sdsetup("doctor", "--json", "--dir", str(rehearsal.dir)).stdout)
    found = next(check for check in said["checks"] if check["id"] == "environment")
    assert found["status"] == "ok"
    assert f"in {other} (venv_dir in the launch file)" in found["summary"]
    assert planned(rehearsal, "--no-picture") == set()
    assert rehearsal.run("--no-picture", "--yes").returncode == 0
    (one,) = document(rehearsal.sdsetup("status", "--json").stdout)["installations"]
    assert one["torch"] is not None
    assert one["bytes"]["environment"] > 0
    assert not (rehearsal.dir / "venv").exists()
    # It may serve other programs as well: a damaged one is left, and our own is made.
    broken = next(other.glob("lib/python3.*/site-packages")) / "torch" / "__init__.py"
    broken.unlink()
    assert status_of(rehearsal, "environment") == "fail"
    assert planned(rehearsal, "--no-picture") - {"torch", "check"} == {"environment", "launcher:sh"}
    done = rehearsal.run("--no-picture")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not broken.exists()
    assert "venv_dir" not in rehearsal.launch_file()
    assert status_of(rehearsal, "environment") == "ok"
    assert planned(rehearsal, "--no-picture") == set()


def test_a_run_that_was_cut_off_says_how_to_go_on_and_a_failed_proof_counts(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    state = rehearsal.dir / ".sdsetup"
    assert not (state / "unfinished.json").exists()
    (state / "unfinished.json").write_text(
        json.dumps({"began": "2026-11-25T10:00", "words": ["install", "--dir", "X"]})
    )
    said = document(rehearsal.sdsetup("doctor", "--json", "--dir", str(rehearsal.dir)).stdout)
    last = next(check for check in said["checks"] if check["id"] == "last-run")
    assert (last["status"], last["fix"]["command"]) == ("warn", "sdsetup install --dir X")
    (state / "unfinished.json").unlink()
    (state / "update").mkdir()
    said = document(rehearsal.sdsetup("doctor", "--json", "--dir", str(rehearsal.dir)).stdout)
    last = next(check for check in said["checks"] if check["id"] == "last-run")
    assert (last["status"], last["fix"]["command"]) == ("warn", f"sdsetup update --dir {rehearsal.dir}")
    done = rehearsal.sdsetup("update", "--rehearse", "--yes", "--dir", str(rehearsal.dir))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (state / "update").exists()
    (state / "distrust.json").write_text(json.dumps({"why": "numpy is too new"}))
    assert status_of(rehearsal, "last-run") == "fail"
    assert planned(rehearsal) == {"environment", "torch", "check", "picture"}
    assert rehearsal.run().returncode == 0
    assert status_of(rehearsal, "last-run") == "ok"


def test_a_lost_state_folder_is_named_and_the_folder_taken_over(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    launch_file = rehearsal.launch_file()
    state = rehearsal.dir / ".sdsetup"
    mark = (state / PRACTICE_MARK).read_bytes()
    shutil.rmtree(state)
    state.mkdir()
    (state / PRACTICE_MARK).write_bytes(mark)  # without it a practice run takes the folder for a real one
    assert status_of(rehearsal, "card") == "warn"
    done = rehearsal.run("--no-picture")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rehearsal.launch_file() == launch_file
    assert status_of(rehearsal, "card") == "ok"
    assert planned(rehearsal, "--no-picture") == set()


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def another_commit(rehearsal: Rehearsal, name: str) -> str:
    """One more commit of the stand-in web UI, on a branch of its own."""
    work = rehearsal.home / f"work-{name}"
    git(
        rehearsal.home,
        "clone",
        "-q",
        str(rehearsal.cache / "rehearsal" / "stand-ins" / "git" / "webui.git"),
        work.name,
    )
    (work / f"{name}.txt").write_text(name)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", name)
    git(work, "push", "-q", "origin", f"HEAD:refs/heads/{name}")
    return git(work, "rev-parse", "HEAD")


def test_a_chosen_commit_holds_for_the_next_plain_install(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    pinned = git(rehearsal.dir, "rev-parse", "HEAD")
    chosen = [another_commit(rehearsal, name) for name in ("one", "two")]
    for commit in chosen:
        for words in (("--ref", commit), ()):
            done = rehearsal.run("--no-picture", *words)
            assert done.returncode == 0, done.stdout + done.stderr
            assert git(rehearsal.dir, "rev-parse", "HEAD") == commit
    assert rehearsal.run("--no-picture", "--ref", "pinned").returncode == 0
    assert rehearsal.run("--no-picture").returncode == 0
    assert git(rehearsal.dir, "rev-parse", "HEAD") == pinned
    # What it stood at is kept by name each time, not only in Git's own memory of 90 days.
    kept = git(rehearsal.dir, "for-each-ref", "--format=%(objectname)", "refs/heads").split()
    assert {pinned, *chosen} <= set(kept)


@pytest.mark.parametrize("edited", [("modules/timer.py",), ()])
def test_a_web_ui_without_its_repository_is_adopted(rehearsal: Rehearsal, edited: tuple[str, ...]) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    names = [str(path.relative_to(rehearsal.dir)) for path in (rehearsal.dir / "modules").glob("*.py")]
    edited = tuple(name for name in edited if name in names) or tuple(names[:1])
    for name in edited:
        with (rehearsal.dir / name).open("a") as file:
            file.write("# mine\n")
    shutil.rmtree(rehearsal.dir / ".git")
    flags = rehearsal.launch_file()
    done = rehearsal.run("--no-picture")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rehearsal.launch_file() == flags
    assert all((rehearsal.dir / name).read_text().endswith("# mine\n") for name in edited)
    said = subprocess.run(
        ["git", "-C", str(rehearsal.dir), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert {line[3:] for line in said.stdout.splitlines()} == {*edited, "webui-user.sh"}


def test_models_that_came_before_the_installation_are_no_stranger(rehearsal: Rehearsal) -> None:
    begun = rehearsal.dir / "models" / "Stable-diffusion" / "model.safetensors.part"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(b"")
    done = rehearsal.run("--no-picture")
    assert done.returncode == 0, done.stdout + done.stderr
    rehearsal_whole = rehearsal.dir / "models" / "Stable-diffusion" / "model.safetensors"
    assert rehearsal_whole.is_file()


def test_files_are_not_exchanged_under_a_running_web_ui(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    (rehearsal.dir / "running").mkdir()
    (rehearsal.dir / "running" / "launch.py").write_text("import time\ntime.sleep(100)\n")
    web = subprocess.Popen([sys.executable, "running/launch.py"], cwd=rehearsal.dir)
    try:
        without_package(rehearsal.dir)
        done = rehearsal.run("--no-picture")
        assert done.returncode == 1
        assert "webui-running" in done.stderr
    finally:
        web.kill()
        web.wait()
    assert rehearsal.run("--no-picture").returncode == 0


def test_status_knows_what_was_installed(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    said = document(rehearsal.sdsetup("status", "--json").stdout)
    (one,) = said["installations"]
    assert (one["dir"], one["practice"]) == (str(rehearsal.dir), True)
    assert one["models"] == ["model.safetensors"]
    assert one["bytes"]["models"] >= 24 * 2**20
    assert {place["what"] for place in said["outside"]} >= {"cache"}
    assert str(rehearsal.dir) in rehearsal.sdsetup("status").stdout
    shutil.rmtree(rehearsal.dir)
    assert document(rehearsal.sdsetup("status", "--json").stdout)["installations"] == []
