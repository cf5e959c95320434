"""A link that somebody planted under a name that we write: what it leads to stays as it is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from execute.gitlab import context_for
from sdsetup.execute import launch_file
from sdsetup.execute.download import DownloadOptions
from sdsetup.execute.download.part import Part
from sdsetup.execute.environment.bytecode import compilers
from sdsetup.execute.lock import folder_lock, lock_path
from sdsetup.storage import open_new, write_json
from sdsetup.values.plan import WriteLauncher

Write = Callable[[Path], object]


def sidecar(root: Path) -> None:
    Part(root / "model.safetensors", size=1, sha256="0" * 64, options=DownloadOptions()).begin(
        "https://example.com", None
    )


def part(root: Path) -> None:
    made = Part(root / "model.safetensors", size=1, sha256="0" * 64, options=DownloadOptions())
    made.found()
    made.start(0)
    made.append(b"x")
    made.stop()


def lock(root: Path) -> None:
    with folder_lock(root / "d", root / "cache", waiting=print):
        pass


WRITES: dict[str, tuple[str, Write]] = {
    "a new file": ("x", lambda root: open_new(root / "x")),
    "a record": ("machine.json", lambda root: write_json(root / "machine.json", {})),
    "a download's sidecar": ("model.safetensors.part.json", sidecar),
    "a download's staged sidecar": ("model.safetensors.part.json.new", sidecar),
    "a download": ("model.safetensors.part", part),
    "what is compiled": ("compile-0.txt", lambda root: compilers(Path(sys.executable), [root], root, 1)),
}


def linked(path: Path, victim: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.symlink_to(victim)
    except OSError:
        pytest.skip("no links here")


@pytest.mark.parametrize(("name", "write"), WRITES.values(), ids=WRITES)
def test_what_a_planted_link_leads_to_is_untouched(tmp_path: Path, name: str, write: Write) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    root = tmp_path / "root"
    linked(root / name, victim)
    write(root)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("ending", [".lock", ".holder"])
def test_a_lock_does_not_empty_what_a_link_leads_to(tmp_path: Path, ending: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    linked(lock_path(tmp_path / "d", tmp_path / "cache").with_suffix(ending), victim)
    with contextlib.suppress(OSError):
        lock(tmp_path)
    assert victim.read_text() == "mine"


def test_a_launch_file_that_is_a_link_is_written_through(tmp_path: Path) -> None:
    """The person linked it on purpose, to a file of their own."""
    context = context_for(tmp_path / "d")
    dotfile = tmp_path / "dotfiles" / "launch.sh"
    dotfile.parent.mkdir()
    dotfile.write_text('#!/bin/bash\nexport COMMANDLINE_ARGS="--listen"\n')
    linked(context.dir / "webui-user.sh", dotfile)
    done = launch_file.write(WriteLauncher(kind="sh", flags=("--medvram",), env=()), context)
    assert done["changed"]
    assert (context.dir / "webui-user.sh").is_symlink()
    assert "--listen" in dotfile.read_text() and "--medvram" in dotfile.read_text()
    assert [path.name for path in dotfile.parent.iterdir()] == ["launch.sh"]
    assert len(list(context.dir.glob("webui-user.sh.*.bak"))) == 1


def test_a_launch_file_that_leads_nowhere_yet_is_made_there(tmp_path: Path) -> None:
    context = context_for(tmp_path / "d")
    linked(context.dir / "webui-user.sh", tmp_path / "later.sh")
    launch_file.write(WriteLauncher(kind="sh", flags=("--medvram",), env=()), context)
    assert "--medvram" in (tmp_path / "later.sh").read_text()
