"""`sdsetup self`: a command within reach, made with consent and taken away again; how to update."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installations import HERE

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
    assert json.loads(done.stdout)["path"] == str(folder / "sdsetup")
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
    said = json.loads(done.stdout)
    assert (said["schema"], said["to"]) == ("sdsetup.self-update/1", None)
