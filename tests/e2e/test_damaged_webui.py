"""A web UI from which something is missing: named for what it is, and repaired by the same `install`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Rehearsal


@pytest.mark.slow
def test_what_is_missing_is_named_and_restored(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("--no-picture").returncode == 0
    folder = ("--dir", str(rehearsal.dir))
    (rehearsal.dir / "notes.txt").write_text("mine")
    (rehearsal.dir / "README.md").write_text("changed by hand")

    (rehearsal.dir / "launch.py").unlink()
    started = rehearsal.sdsetup("launch", "--no-browser", *folder)
    assert started.returncode == 1
    assert "launch.py is missing" in started.stderr
    assert "webui-incomplete" in started.stderr
    told = rehearsal.sdsetup("doctor", *folder)
    assert "launch.py" in told.stdout, told.stdout
    again = rehearsal.run("--no-picture")
    assert again.returncode == 0, again.stdout + again.stderr
    assert (rehearsal.dir / "launch.py").is_file()

    requirements = rehearsal.dir / "requirements_versions.txt"
    text = requirements.read_text(encoding="utf-8")
    requirements.unlink()
    again = rehearsal.run("--no-picture")
    assert again.returncode == 0, again.stdout + again.stderr
    assert requirements.read_text(encoding="utf-8") == text

    requirements.write_text(text, encoding="utf-16")
    again = rehearsal.run("--no-picture")
    assert again.returncode == 0, again.stdout + again.stderr
    assert requirements.read_text(encoding="utf-8") == text
    aside = requirements.with_name("requirements_versions.txt.damaged")
    assert aside.read_text(encoding="utf-16") == text
    assert aside.name in again.stdout

    assert (rehearsal.dir / "notes.txt").read_text() == "mine"
    assert (rehearsal.dir / "README.md").read_text() == "changed by hand"
