"""Updating to another commit and back: proved beside, nothing of the user's touched, killed at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from documents import document

if TYPE_CHECKING:
    from conftest import Rehearsal

OWN = {
    "outputs/txt2img-images/00001.png": b"my picture",
    "models/Stable-diffusion/mine.safetensors": b"my model",
    "models/Lora/mine.safetensors": b"my lora",
    "extensions/mine/scripts/mine.py": b"print('mine')\n",
    "config.json": b'{"sd_model_checkpoint": "mine", "disabled_extensions": []}',
    "notes.txt": b"notes",
    "README.md": b"my own edit of a file of the web UI",
}
KILLS = int(os.environ.get("SDSETUP_TEST_KILLS", "10"))


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def upstream_moves(rehearsal: Rehearsal, branch: str, changes: dict[str, str]) -> str:
    """Another commit of the stand-in web UI on a branch of its own; the commit."""
    bare = rehearsal.cache / "rehearsal" / "stand-ins" / "git" / "webui.git"
    work = rehearsal.home / f"work-{branch}"
    subprocess.run(["git", "clone", "-q", str(bare), str(work)], check=True, capture_output=True)
    for name, content in changes.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(content)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", branch)
    git(work, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
    return git(work, "rev-parse", "HEAD")


def plant(folder: Path) -> None:
    for name, content in OWN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with (folder / "webui-user.sh").open("a") as file:
        file.write("# my own line\n")


def own(folder: Path) -> dict[str, bytes]:
    names = [*OWN, "webui-user.sh", "models/Stable-diffusion/model.safetensors"]
    return {name: (folder / name).read_bytes() for name in names}


def update(rehearsal: Rehearsal, *more: str) -> subprocess.CompletedProcess[str]:
    return rehearsal.sdsetup("update", "--rehearse", "--yes", *more)


def ready(rehearsal: Rehearsal) -> dict[str, bytes]:
    first = rehearsal.run()
    assert first.returncode == 0, first.stdout + first.stderr
    plant(rehearsal.dir)
    return own(rehearsal.dir)


REQUIREMENTS = "standin-gradio==3.41.2\ntorch\n"  # another environment: one package fewer


def package(rehearsal: Rehearsal) -> bool:
    return bool(list((rehearsal.dir / "venv").glob("lib/python3*/site-packages/standin_transformers")))


@pytest.mark.timeout(300)
def test_there_and_back_again(rehearsal: Rehearsal) -> None:
    mine = ready(rehearsal)
    old = git(rehearsal.dir, "rev-parse", "HEAD")
    new = upstream_moves(rehearsal, "next", {"requirements_versions.txt": REQUIREMENTS, "new.txt": "new"})
    dry = update(rehearsal, "--to", "next", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    said = document(dry.stdout)
    assert (said["from"], said["to"], said["done"]) == (old, new, False)
    done = update(rehearsal, "--to", "next")
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(rehearsal.dir, "rev-parse", "HEAD") == new
    assert git(rehearsal.dir, "symbolic-ref", "--short", "HEAD") == "master"
    assert list((rehearsal.dir / ".sdsetup" / "proof").glob("picture-*.png"))
    assert own(rehearsal.dir) == mine
    assert not package(rehearsal)
    assert not (rehearsal.dir / ".sdsetup" / "update").exists()
    machine = json.loads((rehearsal.dir / ".sdsetup" / "machine.json").read_text())
    assert machine["versions"]["webui"] == new
    assert json.loads((rehearsal.dir / ".sdsetup" / "chosen.json").read_text())["ref"] == new
    listed = document(rehearsal.sdsetup("undo", "--list", "--json", "--dir", str(rehearsal.dir)).stdout)
    assert (listed["points"][0]["reason"], listed["points"][0]["commit"]) == ("update", old)
    again = update(rehearsal, "--to", new)
    assert again.returncode == 0 and "already" in again.stdout
    back = update(rehearsal)  # to the version that the profile pins
    assert back.returncode == 0, back.stdout + back.stderr
    assert git(rehearsal.dir, "rev-parse", "HEAD") == old
    assert package(rehearsal)
    assert own(rehearsal.dir) == mine
    assert not (rehearsal.dir / ".sdsetup" / "chosen.json").exists()
    undone = rehearsal.sdsetup("undo", "--yes", "--dir", str(rehearsal.dir))
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert git(rehearsal.dir, "rev-parse", "HEAD") == new
    assert not package(rehearsal)
    assert own(rehearsal.dir) == mine


BROKEN = {
    "dry-run": {"launch.py": "print('Installing something')\nimport time; time.sleep(60)\n"},
    "start": {"launch.py": "import sys\nif '--exit' not in sys.argv: sys.exit(3)\n"},
    "requirements": {"requirements_versions.txt": "standin-nothing==1.0\n"},
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_version_that_does_not_work_changes_nothing(rehearsal: Rehearsal, how: str) -> None:
    mine = ready(rehearsal)
    old = git(rehearsal.dir, "rev-parse", "HEAD")
    venv = (rehearsal.dir / "venv" / ".sdsetup-environment.json").read_bytes()
    upstream_moves(rehearsal, "broken", BROKEN[how])
    done = update(rehearsal, "--to", "broken")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "unchanged" in done.stdout
    assert git(rehearsal.dir, "rev-parse", "HEAD") == old
    assert own(rehearsal.dir) == mine
    assert (rehearsal.dir / "venv" / ".sdsetup-environment.json").read_bytes() == venv
    assert rehearsal.sdsetup("undo", "--list", "--json", "--dir", str(rehearsal.dir)).returncode == 0


def test_a_version_that_starts_only_beside_is_taken_back(rehearsal: Rehearsal) -> None:
    mine = ready(rehearsal)
    old = git(rehearsal.dir, "rev-parse", "HEAD")
    in_place_only = (
        f"import os\nif os.path.realpath(os.getcwd()) == {os.path.realpath(rehearsal.dir)!r}: os._exit(3)\n"
    )
    launch = (rehearsal.dir / "launch.py").read_text()
    upstream_moves(rehearsal, "picky", {"launch.py": in_place_only + launch})
    done = update(rehearsal, "--to", "picky")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "code: update-taken-back" in done.stderr, done.stderr
    assert git(rehearsal.dir, "rev-parse", "HEAD") == old
    assert own(rehearsal.dir) == mine
    assert rehearsal.run().returncode == 0


def test_an_own_edit_that_upstream_changed_too_stops_it_before_anything(rehearsal: Rehearsal) -> None:
    mine = ready(rehearsal)
    upstream_moves(rehearsal, "next", {"README.md": "upstream changed it", "notes.txt": "upstream has one, too"})
    done = update(rehearsal, "--to", "next")
    assert done.returncode == 1
    assert "local-changes" in done.stderr and "README.md" in done.stderr and "notes.txt" in done.stderr
    assert own(rehearsal.dir) == mine
    assert not (rehearsal.dir / ".sdsetup" / "update").exists()


def test_a_version_that_breaks_an_extension_is_not_taken(rehearsal: Rehearsal) -> None:
    ready(rehearsal)
    old = git(rehearsal.dir, "rev-parse", "HEAD")
    script = rehearsal.dir / "extensions" / "mine" / "scripts" / "mine.py"
    script.write_text("import os\nif os.path.exists('new.txt'): raise SystemExit(3)\n")
    upstream_moves(rehearsal, "next", {"new.txt": "new"})
    done = update(rehearsal, "--to", "next")
    assert done.returncode == 1, done.stdout
    assert git(rehearsal.dir, "rev-parse", "HEAD") == old


def test_an_unknown_version(rehearsal: Rehearsal) -> None:
    ready(rehearsal)
    for name, code in (("v9", "ref-unknown"), ("--upload-pack=x", "ref-not-a-name"), ("a b", "ref-not-a-name")):
        done = update(rehearsal, f"--to={name}")
        assert done.returncode in (1, 2)
        assert code in done.stderr, done.stderr


def test_extensions_move_forward_and_back_where_one_breaks_it(rehearsal: Rehearsal) -> None:
    mine = ready(rehearsal)
    origin = rehearsal.home / "origin"
    (origin / "scripts").mkdir(parents=True)
    git(rehearsal.home, "init", "-q", "-b", "main", str(origin))
    (origin / "scripts" / "it.py").write_text("print(1)\n")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "one")
    clone = rehearsal.dir / "extensions" / "clone"
    subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True, capture_output=True)
    one = git(clone, "rev-parse", "HEAD")
    (origin / "scripts" / "it.py").write_text("print(2)\n")
    git(origin, "commit", "-q", "-a", "-m", "two")
    done = update(rehearsal, "--extensions", "--json")
    assert done.returncode == 0, done.stderr
    two = git(origin, "rev-parse", "HEAD")
    assert document(done.stdout)["extensions"] == [{"name": "clone", "from": one, "to": two}]
    (origin / "scripts" / "it.py").write_text("raise SystemExit(3)\n")
    git(origin, "commit", "-q", "-a", "-m", "three")
    broken = update(rehearsal, "--extensions")
    assert broken.returncode == 1
    assert git(clone, "rev-parse", "HEAD") == two
    assert not (rehearsal.dir / ".sdsetup" / "extensions-update.json").exists()
    assert own(rehearsal.dir) == mine


# The process ends between two moves: the code is the new version's, the environment is still the old one's.
HALF_WAY = """
import os, sys
from sdsetup.execute.undo import moves
moves._bring_environment = lambda *_: os._exit(9)
from sdsetup.__main__ import main
sys.argv = ["sdsetup", *sys.argv[1:]]
main()
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", ["update", "install", "launch", "undo"])
def test_cut_off_between_code_and_environment_the_next_command_completes_it(
    rehearsal: Rehearsal, command: str
) -> None:
    ready(rehearsal)
    with (rehearsal.dir / "webui-user.sh").open("a") as file:
        file.write('export COMMANDLINE_ARGS="$COMMANDLINE_ARGS --exit"\n')  # so that `launch` ends
    mine = own(rehearsal.dir)
    new = upstream_moves(rehearsal, "next", {"requirements_versions.txt": REQUIREMENTS})
    words = ["update", "--rehearse", "--yes", "--to", "next"]
    cut = subprocess.run(
        [sys.executable, "-c", HALF_WAY, *words],
        env=rehearsal.env,
        cwd=rehearsal.home,
        capture_output=True,
        text=True,
    )
    assert cut.returncode == 9, cut.stdout + cut.stderr
    assert git(rehearsal.dir, "rev-parse", "HEAD") == new
    assert package(rehearsal), "the test needs a half-moved installation"
    seen = rehearsal.sdsetup("doctor", "--json", "--dir", str(rehearsal.dir))
    last = next(one for one in document(seen.stdout)["checks"] if one["id"] == "last-run")
    assert last["status"] == "warn"
    told = rehearsal.sdsetup("update", "--rehearse", "--dry-run", "--to", "next")
    assert "interrupted" in told.stdout, told.stdout
    assert package(rehearsal), "a dry run changes nothing"
    more = {
        "update": ["update", "--rehearse", "--yes", "--to", "next"],
        "install": ["install", "--rehearse", "--yes"],
        "launch": ["launch", "--no-browser", "--dir", str(rehearsal.dir)],
        "undo": ["undo", "--yes", "--dir", str(rehearsal.dir)],
    }[command]
    done = rehearsal.sdsetup(*more)
    ended = 1 if command == "launch" else 0  # a web UI that ends at once was not ready
    assert done.returncode == ended, done.stdout + done.stderr
    assert not package(rehearsal), done.stdout
    assert git(rehearsal.dir, "rev-parse", "HEAD") == new
    assert not (rehearsal.dir / ".sdsetup" / "undo.going").exists()
    assert own(rehearsal.dir) == mine


# The process ends after the new version came into place, before what it was made in is removed.
NOT_CLEARED = """
import os, sys
from sdsetup.workflows import update
update.check = lambda *_: os._exit(9)
from sdsetup.__main__ import main
sys.argv = ["sdsetup", *sys.argv[1:]]
main()
"""


@pytest.mark.timeout(300)
def test_what_an_interrupted_update_left_is_no_part_of_the_next(rehearsal: Rehearsal) -> None:
    mine = ready(rehearsal)
    old = git(rehearsal.dir, "rev-parse", "HEAD")
    new = upstream_moves(rehearsal, "next", {"requirements_versions.txt": REQUIREMENTS})
    words = ["update", "--rehearse", "--yes", "--to", "next"]
    cut = subprocess.run(
        [sys.executable, "-c", NOT_CLEARED, *words],
        env=rehearsal.env,
        cwd=rehearsal.home,
        capture_output=True,
        text=True,
    )
    assert cut.returncode == 9, cut.stdout + cut.stderr
    stage = rehearsal.dir / ".sdsetup" / "update"
    assert git(stage, "rev-parse", "HEAD") == new
    done = update(rehearsal, "--to", "master")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[2/" in done.stdout, "the components are fetched again with the rest"
    assert git(rehearsal.dir, "rev-parse", "HEAD") == old
    assert package(rehearsal)
    assert own(rehearsal.dir) == mine
    assert not stage.exists()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.timeout(600)
def test_killed_at_random_moments_it_is_old_or_new_and_nothing_is_lost(rehearsal: Rehearsal) -> None:
    mine = ready(rehearsal)
    old = git(rehearsal.dir, "rev-parse", "HEAD")
    new = upstream_moves(rehearsal, "next", {"requirements_versions.txt": REQUIREMENTS})
    dice = random.Random(os.environ.get("SDSETUP_TEST_SEED", "2026"))
    for number in range(KILLS):
        to = ("next", "master")[number % 2]
        argv = [sys.executable, "-m", "sdsetup", "update", "--rehearse", "--yes", "--to", to]
        child = subprocess.Popen(
            argv, env=rehearsal.env, cwd=rehearsal.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if number < KILLS // 2:
            deadline = time.monotonic() + dice.uniform(0.5, 8)
        else:  # within the moves that put it into place
            deadline = time.monotonic() + 60
            going = rehearsal.dir / ".sdsetup" / "undo.going"
            while not going.exists() and child.poll() is None:
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.15))
            deadline = time.monotonic()
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert own(rehearsal.dir) == mine, number
        done = update(rehearsal, "--to", to)  # finishes what was begun, and does the rest
        assert done.returncode == 0, done.stdout + done.stderr
        assert git(rehearsal.dir, "rev-parse", "HEAD") == {"next": new, "master": old}[to], number
        assert package(rehearsal) == (to == "master"), number
        assert own(rehearsal.dir) == mine, number
