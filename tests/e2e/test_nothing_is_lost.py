"""An installation full of the person's own things, and every command that changes something over it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Rehearsal

from e2e.test_new_card import GTX_1660, RTX_5070

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in nvidia-smi is a script")

OWN_LINES = "\n# my own line\nexport MINE=1\n"


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Treasures:
    """What was planted, and whether it is all there."""

    def __init__(self, folder: Path, dotfile: Path) -> None:
        self.folder = folder
        self.dotfile = dotfile
        self.files: dict[str, bytes] = {}
        self.commits: dict[str, tuple[str, ...]] = {}
        self.loose: list[bytes] = []

    def plant(self) -> None:
        for name in (
            "outputs/txt2img-images/00001.png",
            "models/Stable-diffusion/mine.safetensors",
            "models/Stable-diffusion/model.safetensors.old",
            "models/Lora/mine.safetensors",
            "extensions/mine/scripts/mine.py",
            "embeddings/mine.pt",
            "config.json",
            "notes.txt",
            "venv.bak/mine",
        ):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Settings that the web UI cannot read would be set aside and made anew.
            path.write_bytes(f'{{"mine": "{name}"}}'.encode())
            self.files[name] = path.read_bytes()
        self._in_the_installation()
        self._in_the_repositories()
        self._environment()
        self._launch_file()

    def _in_the_installation(self) -> None:
        here = git(self.folder, "rev-parse", "HEAD")
        git(self.folder, "checkout", "-q", "-b", "mine")
        self._commit(self.folder, "webui", "mine.txt", "branch")
        git(self.folder, "tag", "mine-tag")
        (self.folder / "README.md").write_text("my changes")
        git(self.folder, "stash", "push", "-q", "README.md")
        self.commits["webui stash"] = (git(self.folder, "rev-parse", "refs/stash"),)
        git(self.folder, "checkout", "-q", "master")
        assert git(self.folder, "rev-parse", "HEAD") == here

    def _in_the_repositories(self) -> None:
        repositories = self.folder / "repositories"
        self._commit(repositories / "BLIP", "BLIP", "mine.py", "on no branch")
        quiet = repositories / "k-diffusion"
        git(quiet, "checkout", "-q", "-b", "mine")
        self._commit(quiet, "k-diffusion", "mine.py", "branch")
        git(quiet, "checkout", "-q", "--detach", "HEAD~1")
        broken = repositories / "generative-models"
        (broken / "mine.txt").write_text("in a broken repository")
        (broken / ".git" / "HEAD").write_bytes(b"")
        self.loose.append(b"in a broken repository")

    def _commit(self, folder: Path, key: str, name: str, kind: str) -> None:
        (folder / name).write_text(kind)
        git(folder, "add", "-f", name)
        git(folder, "commit", "-q", "-m", kind)
        self.commits[key] = (git(folder, "rev-parse", "HEAD"),)

    def _environment(self) -> None:
        """One that somebody else made: without our mark, and its Python gone for the moment."""
        venv = self.folder / "venv"
        (venv / ".sdsetup-environment.json").unlink()
        (venv / "mine.txt").write_text("in my environment")
        self.loose.append(b"in my environment")
        for program in (venv / "bin").glob("python*"):
            program.unlink()

    def _launch_file(self) -> None:
        path = self.folder / "webui-user.sh"
        self.dotfile.parent.mkdir()
        self.dotfile.write_text(path.read_text() + OWN_LINES)
        path.unlink()
        path.symlink_to(self.dotfile)

    def assert_there(self, after: str) -> None:
        for name, content in self.files.items():
            assert (self.folder / name).read_bytes() == content, (after, name)
        for key, commits in self.commits.items():
            for commit in commits:
                assert any(holds(place, commit) for place in self._repositories()), (after, key)
        small = [path for path in self.folder.rglob("mine.txt") if path.is_file()]
        for content in self.loose:
            assert content in [path.read_bytes() for path in small], (after, content)
        assert (self.folder / "webui-user.sh").is_symlink(), after
        assert OWN_LINES.strip() in self.dotfile.read_text(), after

    def _repositories(self) -> Iterator[Path]:
        yield self.folder
        for folder in (self.folder / "repositories", self.folder / ".sdsetup" / "former"):
            yield from (path for path in folder.glob("*") if (path / ".git").exists())


def holds(folder: Path, commit: str) -> bool:
    """Whether a branch, a tag, a stash or HEAD of a repository still leads to a commit."""
    asked = ["git", "-C", str(folder), "rev-list", "--all", "HEAD"]
    return commit in subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_whatever_is_run_the_persons_things_stay(rehearsal: Rehearsal, tmp_path: Path) -> None:
    rehearsal.card(**GTX_1660)
    first = rehearsal.run()
    assert first.returncode == 0, first.stdout + first.stderr
    folder = str(rehearsal.dir)
    treasures = Treasures(rehearsal.dir, tmp_path / "dotfiles" / "webui-user.sh")
    treasures.plant()
    treasures.assert_there("planting")

    rehearse = ("--rehearse", "--dir", folder, "--yes")
    for words in (
        ("install", *rehearse),
        ("tune", "--apply", "--anyway", "--yes", "--dir", folder, "--gpu", "RTX 3060", "--vram", "12"),
        ("undo", "--yes", "--dir", folder),
        ("doctor", "--fix", "--yes", "--dir", folder),
        ("install", *rehearse),
    ):
        done = rehearsal.sdsetup(*words)
        assert done.returncode in ((0, 1) if words[0] == "doctor" else (0,)), done.stdout + done.stderr
        treasures.assert_there(" ".join(words))

    rehearsal.card(**RTX_5070)
    for words in (("tune", *rehearse), ("undo", "--yes", "--dir", folder), ("undo", "--yes", "--dir", folder)):
        done = rehearsal.sdsetup(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        treasures.assert_there(" ".join(words))
    assert "venv" in done.stdout and "BLIP" in done.stdout  # what was set aside is listed

    shutil.rmtree(rehearsal.dir / ".sdsetup" / "undo")
    (rehearsal.dir / ".git" / "HEAD").write_bytes(b"")
    done = rehearsal.sdsetup("install", *rehearse)
    assert done.returncode == 0, done.stdout + done.stderr
    treasures.assert_there("install after a power cut")
