"""Real repositories for tests: a small origin with history, a tag and a branch, and a context to clone into."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.machine.real import RealMachine
from sdsetup.values.events import Event


def git(*args: object, cwd: Path) -> str:
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    who = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    ended = subprocess.run(
        ["git", *who, *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()


@dataclass
class Origin:
    """`old` and `new` are commits; tag v1 stands on `old`, branch master and tag v2 on `new`."""

    folder: Path
    old: str
    new: str

    @property
    def url(self) -> str:
        return self.folder.as_uri()


def make_origin(folder: Path, *, any_commit: bool = True) -> Origin:
    folder.mkdir(parents=True)
    git("init", "-q", "-b", "master", ".", cwd=folder)
    commits = []
    for number in (1, 2):
        (folder / "launch.py").write_text(f"print({number})\n")
        (folder / "modules").mkdir(exist_ok=True)
        (folder / "modules" / f"part{number}.py").write_text("x = 1\n" * number)
        (folder / ".gitignore").write_text("__pycache__/\nmodels/\n")
        git("add", "-A", cwd=folder)
        git("commit", "-q", "-m", f"commit {number}", cwd=folder)
        git("tag", f"v{number}", cwd=folder)
        commits.append(git("rev-parse", "HEAD", cwd=folder))
    git("config", "uploadpack.allowAnySHA1InWant", "true" if any_commit else "false", cwd=folder)
    return Origin(folder=folder, old=commits[0], new=commits[1])


@dataclass
class Heard:
    """A listener that remembers."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def notes(self) -> list[str]:
        return [str(event.text) for event in self.events if event.kind == "note"]


def context_for(folder: Path, heard: Heard | None = None, **env: str) -> Context:
    """An installation folder with our state in it already, as every step meets it."""
    (folder / ".sdsetup").mkdir(parents=True, exist_ok=True)
    around = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return Context(
        dir=folder,
        tools=folder.parent / "tools",
        cache=folder.parent / "cache",
        machine=RealMachine({**os.environ, **around, **env}),
        listen=heard or Heard(),
    )
