"""Extensions moved forward and not proved go back; what git refuses to move is named and stays written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from execute.gitlab import Origin, context_for, git, make_origin
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.extensions import fast_forward, set_back
from sdsetup.values.extensions import Extension


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Context, Path, Origin]:
    """An installation with one extension that was moved from `old` to `new`."""
    origin = make_origin(tmp_path / "origin")
    context = context_for(tmp_path / "d")
    clone = context.dir / "extensions" / "one"
    clone.parent.mkdir()
    git("clone", "-q", origin.url, clone, cwd=tmp_path)
    git("reset", "-q", "--hard", origin.old, cwd=clone)
    one = Extension(
        name="one", path=str(clone), enabled=True, remote=origin.url, commit=origin.old, branch="master"
    )
    assert fast_forward(context, [one]) == {"one": (origin.old, origin.new)}
    return context, clone, origin


def test_it_goes_back_with_an_edit_of_another_file(moved: tuple[Context, Path, Origin]) -> None:
    context, clone, origin = moved
    (clone / "modules" / "part1.py").write_text("mine")
    assert set_back(context) == ("one",)
    assert git("rev-parse", "HEAD", cwd=clone) == origin.old
    assert (clone / "modules" / "part1.py").read_text() == "mine"
    assert set_back(context) == ()


def test_an_edit_in_the_way_is_never_lost(moved: tuple[Context, Path, Origin]) -> None:
    context, clone, origin = moved
    (clone / "launch.py").write_text("mine")
    for _ in range(2):  # it is still written down the second time
        with pytest.raises(SdsetupError) as refused:
            set_back(context)
        assert refused.value.code == "extension-stuck"
        assert "one" in str(refused.value.message)
    assert (clone / "launch.py").read_text() == "mine"
    git("checkout", "-q", "launch.py", cwd=clone)
    assert set_back(context) == ("one",)
    assert git("rev-parse", "HEAD", cwd=clone) == origin.old
