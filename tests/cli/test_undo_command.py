"""`sdsetup undo`: the list, a point by number, redo; in real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from documents import document
from execute.test_undo_history import state, with_history
from installations import HERE


def undo(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    argv = [sys.executable, "-m", "sdsetup", "undo", "--dir", str(root), *words]
    return subprocess.run(argv, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_the_list_names_date_reason_and_size(tmp_path: Path) -> None:
    root = with_history(tmp_path / "sd").dir
    shown = undo(root, "--list")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("before an installation") == 3
    assert "sdsetup undo --to 1 --dir" in shown.stdout
    said = document(undo(root, "--list", "--json").stdout)
    assert said["schema"] == "sdsetup.undo-list/1"
    assert [point["number"] for point in said["points"]] == [1, 2, 3]
    assert all(point["bytes"] > 0 and point["at"] and point["reason"] == "install" for point in said["points"])
    assert said["kept"]


def test_to_a_point_and_forward_again(tmp_path: Path) -> None:
    context = with_history(tmp_path / "sd")
    nothing = undo(context.dir, "--redo", "--yes")
    assert (nothing.returncode, "nothing-to-redo" in nothing.stderr) == (1, True)
    done = undo(context.dir, "--to", "3", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert document(done.stdout)["card"] == "v0"
    assert state(context)[1:] == ("v0", "v0")
    again = undo(context.dir, "--redo", "--yes")
    assert again.returncode == 0, again.stderr
    assert state(context)[1:] == ("v3", "v3")
    unknown = undo(context.dir, "--to", "9", "--yes")
    assert (unknown.returncode, "no-such-point" in unknown.stderr) == (1, True)


def test_an_empty_list(tmp_path: Path) -> None:
    shown = undo(tmp_path, "--list")
    assert shown.returncode == 0
    assert "Nothing to undo" in shown.stdout
