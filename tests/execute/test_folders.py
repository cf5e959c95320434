"""Folders as wholes: removed, put in place, set aside; nothing of the person's goes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import file_problem, put_in_place, remove_tree, set_aside
from sdsetup.text import Text


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_another_program_still_fills_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another git packs its objects; and on Windows a file that a scanner has open goes a little later."""
    folder = tree(tmp_path / "repository", {"objects/ab/1": "x"})
    late = [folder / "objects" / "pack"]
    rmdir = os.rmdir

    def filled(path: str, **options: int) -> None:
        if late and Path(path).name == "objects":
            tree(late.pop(), {"1.pack": "x"})
        rmdir(path, **options)

    monkeypatch.setattr(os, "rmdir", filled)
    remove_tree(folder)
    assert not late
    assert not folder.exists()


def test_read_only_files_go(tmp_path: Path) -> None:
    folder = tree(tmp_path / "d", {"objects/aa/b": "x"})
    (folder / "objects/aa/b").chmod(0o400)
    (folder / "objects/aa").chmod(0o500)
    remove_tree(folder)
    assert not folder.exists()
    remove_tree(folder)


def test_a_link_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    precious = tree(tmp_path / "precious", {"model": "x"})
    link = tmp_path / "link"
    try:
        link.symlink_to(precious, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    remove_tree(link)
    assert not os.path.lexists(link)
    assert contents(precious) == {"model": "x"}


names = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h", ".git/HEAD"])
files = st.dictionaries(names, st.sampled_from(["1", "2"]), max_size=5)


@settings(max_examples=60, deadline=None)
@given(staged=files, there=files)
def test_everything_is_in_place_or_nothing_has_moved(
    tmp_path_factory: pytest.TempPathFactory, staged: dict[str, str], there: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("x")
    stage, target = tree(folder / "stage", staged), tree(folder / "target", there)
    stage.mkdir(exist_ok=True)
    target.mkdir(exist_ok=True)
    clash = any(there.get(name, content) != content for name, content in staged.items())
    if clash:
        with pytest.raises(SdsetupError):
            put_in_place(stage, target, last=".git")
        assert contents(target) == there
        assert contents(stage) == staged
    else:
        put_in_place(stage, target, last=".git")
        assert contents(target) == {**there, **staged}
        assert not stage.exists()


def test_set_aside_never_overwrites(tmp_path: Path) -> None:
    places = [set_aside(tree(tmp_path / "BLIP", {"n": str(n)}), tmp_path / "former") for n in range(3)]
    assert [place.name for place in places] == ["BLIP", "BLIP-2", "BLIP-3"]
    assert [contents(place) for place in places] == [{"n": "0"}, {"n": "1"}, {"n": "2"}]


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk-full"), (errno.EACCES, "folder-not-writable"), (errno.EIO, "drive-error")],
)
def test_what_the_system_says_becomes_a_sentence(tmp_path: Path, number: int, code: str) -> None:
    error = file_problem(OSError(number, os.strerror(number), "/x/y"), tmp_path, Text("It could not be written"))
    assert (error.code, error.where) == (code, "/x/y")
    assert error.hint is not None


AS_NOBODY = """
import os, sys
from pathlib import Path
from sdsetup.execute.folders import remove_tree
top = Path(sys.argv[1])
if os.getuid() == 0:  # root may open all
    os.chown(top.parent, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
(top / "closed" / "below").mkdir(parents=True)
(top / "closed" / "below" / "file").touch()
outside = top.parent / "outside"
outside.mkdir(mode=0o500)
(top / "closed" / "link").symlink_to(outside)
(top / "closed" / "below").chmod(0)
(top / "closed").chmod(0)
remove_tree(top)
print(top.exists(), oct(outside.stat().st_mode & 0o777))
"""


@pytest.mark.skipif(os.name == "nt", reason="folders that their owner may not open")
def test_folders_that_may_not_be_opened_are_removed() -> None:
    with tempfile.TemporaryDirectory() as home:  # not below a folder that only root may enter
        argv = [sys.executable, "-c", AS_NOBODY, str(Path(home, "top"))]
        done = subprocess.run(argv, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "0o500"], done.stderr
