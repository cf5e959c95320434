"""`sdsetup self`: a command within reach, made with consent and taken away again; how to update."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import document
from execute.gitlab import git, make_origin
from installations import HERE
from machines import RecordedMachine
from sdsetup.cli.app import run
from sdsetup.errors import SdsetupError
from sdsetup.execute.command_file import write
from sdsetup.machine.answers import Windows

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a .sh starter; tests/windows has the .bat")


def own(*words: str, path: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), **(env or {})}
    variables["PATH"] = f"{path}{os.pathsep}{os.environ['PATH']}"
    argv = [sys.executable, "-m", "sdsetup", "self", *words]
    return subprocess.run(argv, capture_output=True, text=True, env=variables, timeout=60, check=False)


def test_a_command_for_every_terminal(own_home: Path) -> None:
    folder = own_home / ".local" / "bin"
    missing = own("command", "--yes", path=folder)
    assert "no-bin-folder" in missing.stderr
    folder.mkdir(parents=True)
    assert own("command", path=folder).returncode == 2  # nobody is there to agree
    assert not (folder / "sdsetup").exists()
    done = own("command", "--yes", "--json", path=folder)
    assert done.returncode == 0, done.stderr
    assert document(done.stdout)["path"] == str(folder / "sdsetup")
    text = (folder / "sdsetup").read_text()
    assert "SDSETUP_COMMAND=sdsetup" in text and "sdsetup.sh" in text
    assert os.access(folder / "sdsetup", os.X_OK)
    assert own("command", "--yes", path=folder).returncode == 0  # again
    assert own("command", "--remove", "--yes", path=folder).returncode == 0
    assert not (folder / "sdsetup").exists()
    assert own("command", "--remove", "--yes", path=folder).returncode == 0


def test_another_program_of_that_name_stays(own_home: Path) -> None:
    folder = own_home / ".local" / "bin"
    folder.mkdir(parents=True)
    (folder / "sdsetup").write_text("#!/bin/sh\necho mine\n")
    done = own("command", "--yes", path=folder)
    assert "command-taken" in done.stderr
    assert own("command", "--remove", "--yes", path=folder).returncode == 0
    assert (folder / "sdsetup").read_text() == "#!/bin/sh\necho mine\n"


def test_how_to_update_is_told(own_home: Path) -> None:
    done = own("update", "--dry-run", "--json", path=own_home)
    assert done.returncode == 0, done.stderr
    said = document(done.stdout)
    assert (said["schema"], said["to"]) == ("sdsetup.self-update/1", None)


def test_who_has_the_command_from_a_package_tool_needs_no_other(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_home / ".local" / "bin"
    folder.mkdir(parents=True)
    (tmp_path / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert run(["self", "command", "--yes"]) == 1
    shown = capsys.readouterr().err
    assert "code: no-starter" in shown and "pipx" in shown
    assert not (folder / "sdsetup").exists()


def test_letters_that_the_code_page_lacks(tmp_path: Path) -> None:
    file = tmp_path / "sdsetup.cmd"
    machine = RecordedMachine(family="windows", windows_answer=Windows(oem_code_page=850))
    write(file, tmp_path / "größer" / "sdsetup.bat", machine)
    before = file.read_bytes()
    assert "größer".encode("cp850") in before
    with pytest.raises(SdsetupError) as refused:
        write(file, tmp_path / "Программы" / "sdsetup.bat", machine)
    assert refused.value.code == "command-letters"
    assert file.read_bytes() == before


def test_a_clone_with_own_commits_is_not_moved(own_home: Path, tmp_path: Path) -> None:
    origin = make_origin(tmp_path / "origin")
    clone = tmp_path / "clone"
    git("clone", "-q", origin.url, clone, cwd=tmp_path)
    git("reset", "-q", "--hard", origin.old, cwd=clone)
    # As a starter leaves it: its environment in the data folder, and beside it where it was started from.
    app = own_home / "data" / "app"
    app.mkdir(parents=True)
    (app / "env").symlink_to(sys.prefix)
    (app / "stamp.txt").write_text(f"project {clone}\n")
    forward = own("update", "--yes", "--json", path=own_home)
    assert forward.returncode == 0, forward.stderr
    said = document(forward.stdout)
    assert (said["from"], said["to"]) == (origin.old, origin.new)
    git("reset", "-q", "--hard", origin.old, cwd=clone)
    (clone / "mine.txt").write_text("mine")
    git("add", "-A", cwd=clone)
    git("commit", "-q", "-m", "mine", cwd=clone)
    mine = git("rev-parse", "HEAD", cwd=clone)
    refused = own("update", "--yes", path=own_home)
    assert refused.returncode == 1
    assert "code: self-moved" in refused.stderr, refused.stderr
    assert git("rev-parse", "HEAD", cwd=clone) == mine
