"""Commands that only look, run as real processes on a folder in which everything executable is a trap."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from sdsetup.execute.git.seal import seal
from sdsetup.storage import write_json
from traps import run_sdsetup, set_traps, sprung

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the traps are shell scripts")

LOOKS = (
    ("doctor", "--dir", "D"),
    ("doctor", "--dir", "D", "--json"),
    ("report", "--dir", "D"),
    ("tune", "--dir", "D"),
    ("tune", "--dir", "D", "--json", "--vram", "8"),
    ("why", "--lowvram", "--dir", "D"),
    ("install", "--dry-run", "--dir", "D"),
    ("install", "--dry-run", "--json", "--dir", "D"),
    ("model", "list", "--dir", "D"),
    ("model", "check", "--dir", "D"),
    ("report", "--sbom", "--dir", "D"),
    ("status", "--dir", "D"),
    ("extensions", "list", "--dir", "D"),
    ("extensions", "check", "--dir", "D"),
    ("undo", "--list", "--dir", "D"),
    ("fix", "--dir", "D"),
    ("update", "--dry-run", "--dir", "D"),
    ("uninstall", "--dry-run", "--dir", "D"),
    ("clean", "--dry-run"),
    ("install", "--dry-run", "--rehearse", "--dir", "D"),
    ("launch", "--help"),
    # Refused before anything is started: nobody is there to agree, and a launch file that cannot be told.
    ("install", "--dir", "D"),
    ("doctor", "--fix", "--dir", "D"),
    ("tune", "--apply", "--dir", "D"),
    ("tune", "--measure", "--dir", "D"),
    ("undo", "--dir", "D"),
    ("uninstall", "--dir", "D"),
    ("shortcut", "--dir", "D"),
    ("extensions", "disable", "mine", "--dir", "D"),
    ("launch", "--dir", "D", "--no-browser"),
)


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("trapped")
    set_traps(place / "D", place / "witnesses")
    # A launch file whose flags cannot be told is refused; the one that can would be started.
    with (place / "D" / "webui-user.sh").open("a") as file:
        file.write('export COMMANDLINE_ARGS="$(touch pwned)"\n')
    # As if we had installed it: records of ours make more questions worth asking.
    set_traps(place / "D" / "extensions" / "mine", place / "witnesses")
    write_json(place / "D" / ".sdsetup" / "machine.json", {"schema": "sdsetup.machine/1", "profile": "current"})
    for folder in (place / "D", place / "D" / "repositories" / "BLIP"):
        seal(folder)
    return place


@pytest.mark.parametrize("inside", [False, True], ids=["from-outside", "from-inside"])
@pytest.mark.parametrize("words", LOOKS, ids=lambda words: "-".join(words).replace("--", ""))
def test_nothing_of_the_folder_is_executed(
    trapped: Path, tmp_path: Path, words: tuple[str, ...], inside: bool
) -> None:
    folder = trapped / "D"
    env = {**os.environ, "COLUMNS": "100"}
    if inside:  # the environment is activated, and somebody has the current folder on PATH
        paths = [str(folder / "venv" / "bin"), ".", "", str(folder), "venv/bin", env["PATH"]]
        env |= {"PATH": os.pathsep.join(paths), "VIRTUAL_ENV": str(folder / "venv")}
    for witness in (trapped / "witnesses").iterdir():
        witness.unlink()
    said = [word if word != "D" else str(folder) for word in words]
    code, out, err = run_sdsetup(said, script=tmp_path / "run.py", cwd=folder if inside else tmp_path, env=env)
    assert sprung(trapped / "witnesses") == [], (out, err)
    assert not (folder / "pwned").exists()
    assert code in (0, 1, 2), (out, err)
    assert "internal" not in err.lower()


def test_the_traps_are_real(trapped: Path) -> None:
    """Without this a folder in which nothing can go off would pass as well."""
    folder = trapped / "D"
    subprocess.run(["git", "-C", str(folder), "status"], capture_output=True, check=False)
    subprocess.run([str(folder / "venv" / "bin" / "python")], check=False)
    assert {"core.fsmonitor", "bin-python"} <= set(sprung(trapped / "witnesses"))


@pytest.mark.parametrize("missing", ["launch.py", "venv/bin/python"])
def test_a_launch_that_is_refused_runs_nothing(tmp_path: Path, missing: str) -> None:
    folder = set_traps(tmp_path / "D", tmp_path / "witnesses")
    (folder / "webui-user.sh").write_text("export COMMANDLINE_ARGS='--lowvram'\n")
    (folder / missing).unlink()
    path = os.pathsep.join([str(folder / "venv" / "bin"), os.environ["PATH"]])
    words = ("launch", "--no-browser", "--dir", str(folder))
    code, out, err = run_sdsetup(words, script=tmp_path / "run.py", cwd=folder, env={**os.environ, "PATH": path})
    assert code == 1, (out, err)
    assert sprung(tmp_path / "witnesses") == []


def test_what_is_known_comes_from_the_files(trapped: Path, tmp_path: Path) -> None:
    folder = trapped / "D"
    words = ("doctor", "--json", "--dir", str(folder))
    _code, out, _err = run_sdsetup(words, script=tmp_path / "run.py", cwd=tmp_path, env=dict(os.environ))
    there = json.loads(out)["machine"]["installation"]
    head = (folder / ".git" / "refs" / "heads" / "master").read_text().strip()
    assert (there["commit"], there["branch"]) == (head, "master")
    assert (there["environment_python"], there["torch"]) == ("3.10.6", "2.1.2+cu121")
