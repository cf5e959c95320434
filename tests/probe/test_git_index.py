"""Files that are gone, told by git's index as real Git writes it, in every version of its form."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sdsetup.probe.repository import Compared, OddIndexError, compare, parse_index

NAMES = ("a.py", "modules/shared.py", "modules/shared_items.py", "style.css", "models/Lora/é long name.txt")


def git(folder: Path, *words: str) -> None:
    author = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    env = {**os.environ, **author, "GIT_COMMITTER_EMAIL": "a@b"}
    subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=True, env=env)


@pytest.fixture(params=["2", "3", "4"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    for number, name in enumerate(NAMES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x" * (number + 1))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    git(tmp_path, "update-index", "--index-version", request.param)
    if request.param == "3":  # what makes an index of this version: an extended flag
        (tmp_path / "later.txt").write_text("later")
        git(tmp_path, "add", "--intent-to-add", "later.txt")
    return tmp_path


def differs(folder: Path) -> Compared:
    return compare(folder, folder / ".git" / "index")


def test_a_whole_checkout(checkout: Path) -> None:
    assert differs(checkout) == Compared(missing=(), changed=())


def test_gone_emptied_and_edited(checkout: Path) -> None:
    (checkout / "style.css").unlink()
    (checkout / "modules" / "shared.py").write_text("")
    (checkout / "a.py").write_text("an edit")
    assert differs(checkout) == Compared(missing=("modules/shared.py", "style.css"), changed=("a.py",))


def test_files_that_git_was_told_to_leave_out_are_not_missed(checkout: Path) -> None:
    git(checkout, "update-index", "--skip-worktree", "style.css")
    (checkout / "style.css").unlink()
    assert differs(checkout).missing == ()


@pytest.mark.parametrize("keep", [0, 3, 40, 100, 200])
def test_an_index_that_is_cut_says_nothing(checkout: Path, keep: int) -> None:
    index = checkout / ".git" / "index"
    index.write_bytes(index.read_bytes()[:keep])
    assert differs(checkout) == Compared()


def test_a_split_index_says_nothing(checkout: Path) -> None:
    git(checkout, "update-index", "--split-index")
    (checkout / "style.css").unlink()
    assert differs(checkout).missing is None


def test_no_name_leads_out_of_the_checkout(checkout: Path) -> None:
    content = (checkout / ".git" / "index").read_bytes()
    if content[7] == 2:
        planted = content.replace(b"modules/shared.py", b"../../../etc/pass")
        assert "../../../etc/pass" not in [entry.name for entry in parse_index(planted)]


def test_nonsense(tmp_path: Path) -> None:
    with pytest.raises(OddIndexError):
        list(parse_index(b"DIRC" + b"\xff" * 100))
    assert compare(tmp_path, tmp_path / "none") == Compared()
