"""The git program: where it is, how it is called so that it never asks, and what it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.git.words import SILENT, Cause, last_words, received, why_git_failed
from sdsetup.machine import Machine
from sdsetup.machine.process import Child
from sdsetup.text import Text

_SILENCE = 120.0  # seconds without a word after which a transfer counts as dead

# Under 1000 bytes/s for 30 s the transfer is broken off (https://git-scm.com/docs/git-config, http.lowSpeedLimit).
_SETTINGS = (
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    ("credential.interactive", "false"),
    ("advice.detachedHead", "false"),
    ("core.longpaths", "true"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
# A window for a password, or another repository named by the surroundings, must not get in the way.
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_PREFIX")


class GitFailedError(Exception):
    """A git command that ended badly: everything it said, and the cause that was found in it."""

    def __init__(self, cause: Cause, said: str) -> None:
        super().__init__(last_words(said))
        self.cause = cause
        self.said = said


def find(machine: Machine, tools: Path | None = None) -> str:
    """The git program: the one on PATH, else the MinGit in our tools folder.

    Raises:
        SdsetupError: `git-missing`.
    """
    found = machine.which("git")
    if found is None and tools is not None:
        ours = tools / "mingit" / "cmd" / "git.exe"
        found = str(ours) if machine.exists(ours) else None
    if found is None:
        raise SdsetupError(
            Text("Git was not found"),
            code="git-missing",
            hint=Text("Install git, then run the same command again (sdsetup doctor names the command)."),
        )
    return found


def environment(machine: Machine) -> dict[str, str]:
    """The variables of a git child: the person's own (proxies, certificates), and no questions."""
    env = {name: value for name, value in machine.env.items() if name not in _FOREIGN}
    return {**env, **_QUIET}


def ask(context: Context, folder: Path, *args: str) -> str | None:
    """One quick question to the repository in `folder` (never to one around it), None when git refuses."""
    return _asked(context.machine, context.tools, folder, *args)


def _asked(machine: Machine, tools: Path | None, folder: Path, *args: str) -> str | None:
    if not (folder / ".git").exists():
        return None
    ended = machine.run([find(machine, tools), *_of(folder), *args], timeout=60, env=_QUIET)
    return ended.out.strip() if ended.ok else None


def head(folder: Path, machine: Machine, tools: Path | None = None) -> str | None:
    """The commit checked out in the repository of this folder; None without one."""
    return _asked(machine, tools, folder, "rev-parse", "--verify", "--quiet", "HEAD")


def whole_at(context: Context, folder: Path, commit: str) -> bool:
    """Whether `folder` is a repository with this commit checked out and no file of it missing."""
    return (
        ask(context, folder, "rev-parse", "HEAD") == commit and ask(context, folder, "ls-files", "--deleted") == ""
    )


class Runner:
    """Git commands in one staged repository; progress becomes events, failure an exception with its cause."""

    def __init__(self, context: Context, folder: Path, source: str) -> None:
        self._context = context
        self._folder = folder
        self._source = source
        self._shown = -1
        settings = [part for name, value in _SETTINGS for part in ("-c", f"{name}={value}")]
        self._argv = [find(context.machine, context.tools), *settings, *_of(folder)]
        self._env: Mapping[str, str] = environment(context.machine)

    def __call__(self, *args: str) -> str:
        said: list[str] = []
        with Child([*self._argv, *args], cwd=self._folder, env=self._env) as child:
            try:
                for line in child.lines(silence=_SILENCE):
                    amount = received(line)
                    if amount is None:
                        said.append(line)
                    elif amount[0] != self._shown:
                        self._shown = amount[0]
                        self._context.progress(amount[0], None, rate=amount[1], source=self._source)
            except TimeoutError:
                raise GitFailedError(SILENT, "\n".join(said)) from None
            rc = child.rc
        text = "\n".join(said)
        if rc != 0:
            raise GitFailedError(why_git_failed(text), text)
        return text.strip()


def _of(folder: Path) -> list[str]:
    """Arguments that pin git to the repository of this folder, whoever owns it and whatever lies around it."""
    return [
        "-c",
        f"safe.directory={folder.as_posix()}",
        "-C",
        str(folder),
        "--git-dir=.git",
        "--work-tree=.",
    ]
