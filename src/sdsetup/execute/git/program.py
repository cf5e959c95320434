"""The git program: where it is, how it is called so that it never asks, and what it is asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from sdsetup.decide.condition import owner_command
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.git.messages import (
    BUSY,
    DUMB,
    SILENT,
    UNKNOWN,
    Cause,
    last_words,
    locked,
    received,
    why_git_failed,
)
from sdsetup.machine import Completed, Machine
from sdsetup.machine.children import Child
from sdsetup.machine.git_calls import (
    ALLOWED_PROTOCOLS,
    NAMED_PROGRAMS,
    NO_PASSWORDS,
    NO_PROGRAMS,
    switched_off,
)
from sdsetup.machine.processes import git_runs
from sdsetup.storage import replace
from sdsetup.text import Text

_SILENCE = 120.0  # seconds without a word after which a transfer counts as dead
_LOCK_PATIENCE = 15.0  # seconds for another git to let go of the repository
BROKEN = "sdsetup-broken"  # below `.git`: what was put aside there

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
    "GIT_ALLOW_PROTOCOL": ALLOWED_PROTOCOLS,
    "GIT_NO_LAZY_FETCH": "1",  # an object that is missing is not fetched from wherever the settings say
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
_GIT_SPOKE = (0, 1, 128, 129)  # yes, no, fatal, usage; anything else came from the system
_READS_FILES = ("status", "checkout-index", "read-tree", "diff-files")  # these may run a repository's filters
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
            hint=Text("Install Git, then run the same command again. The command to install it: sdsetup doctor"),
        )
    return found


def environment(machine: Machine) -> dict[str, str]:
    """The variables of a git child: the user's own (proxies, certificates), and no questions."""
    env = {name: value for name, value in machine.env.items() if name not in _FOREIGN}
    return {**env, **_QUIET}


def ask(context: Context, folder: Path, *args: str) -> str | None:
    """One quick question to the repository in `folder` (never to one around it), None when git refuses."""
    return _asked(context.machine, context.tools, folder, *args)


def _asked(machine: Machine, tools: Path | None, folder: Path, *args: str) -> str | None:
    if not os.path.lexists(folder / ".git"):
        return None
    ended = _answer(machine, tools, folder, *args)
    return ended.out.strip() if ended.ok else None


def _answer(machine: Machine, tools: Path | None, folder: Path, *args: str) -> Completed:
    call = [find(machine, tools), *NO_PROGRAMS, *_of(folder)]
    if args[0] in _READS_FILES:
        calm = _without_programs(machine, call, folder)
        if calm is None:
            return Completed(rc=None, problem="broken")
        call += calm
    return _told(machine, [*call, *args], folder)


def _told(machine: Machine, argv: list[str], folder: Path, **more: str) -> Completed:
    env = {**_overlay(machine, folder), **more}
    ended = machine.run(argv, timeout=60, env=env)
    if ended.rc not in _GIT_SPOKE:  # it was killed, or never began: that is no answer
        ended = machine.run(argv, timeout=60, env=env)
    return ended


def _without_programs(machine: Machine, call: list[str], folder: Path) -> list[str] | None:
    """Arguments that switch off the programs which the repository's settings name; None when that is not known."""
    asked = ("config", "--null", "--name-only", "--get-regexp", NAMED_PROGRAMS)
    ended = _told(machine, [*call, *asked], folder)
    if ended.rc not in (0, 1):  # 1: there are none
        return None
    return switched_off(tuple(dict.fromkeys(name for name in ended.out.split("\0") if name)))


def _overlay(machine: Machine, folder: Path) -> dict[str, str]:
    """Laid over the machine's variables: no questions, and no part of another repository."""
    own = {"GIT_INDEX_FILE": "index", "GIT_OBJECT_DIRECTORY": "objects"}
    moved = {name: str(folder / ".git" / part) for name, part in own.items() if name in machine.env}
    return {**_QUIET, **moved, "GIT_OPTIONAL_LOCKS": "0", "GIT_NAMESPACE": ""}


def commit_of(context: Context, folder: Path) -> str | None:
    """The commit that HEAD names; None where git finds none (a broken repository, one without a commit).

    Raises:
        SdsetupError: `git-failed` when git itself gave no answer: what is there is not known then.
    """
    if not os.path.lexists(folder / ".git"):
        return None
    ended = _answer(context.machine, context.tools, folder, "rev-parse", "--verify", "--quiet", "HEAD")
    _refuse_silence(ended, folder)
    return ended.out.strip() if ended.ok else None


def _refuse_silence(ended: Completed, folder: Path) -> None:
    if ended.rc not in _GIT_SPOKE:
        raise SdsetupError(
            Text("Git did not respond, so nothing was changed"),
            where=folder,
            why=ended.problem or Text("it exited with code {code}", code=ended.rc),
            hint=Text("Run the same command again."),
            code="git-failed",
        )


def refuse_foreign(context: Context, folder: Path) -> None:
    """Nothing, or the reason why git is not used here: the repository belongs to another user.

    Whoever owns a repository decides what git does in it. Git's own judgement counts, with the folders that
    you declared safe yourself; a drive that records no owners (exFAT) is no reason.

    Raises:
        SdsetupError: `folder-of-another-user`; `git-failed` when git itself gave no answer.
    """
    if not os.path.lexists(folder / ".git"):
        return
    # Without --git-dir, since git looks at the owner only where it finds a repository by itself.
    call = [find(context.machine, context.tools), *NO_PROGRAMS, "-C", str(folder), "rev-parse", "--git-dir"]
    ended = _told(context.machine, call, folder, GIT_CEILING_DIRECTORIES=os.path.realpath(folder.parent))
    _refuse_silence(ended, folder)
    if "dubious ownership" in ended.err and "does not record ownership" not in ended.err:
        raise SdsetupError(
            Text("This folder's Git repository belongs to another user"),
            where=folder,
            why=Text("its settings could make Git run that user's programs under your account"),
            hint=Text(
                "Make it yours again: {command}", command=owner_command(str(folder), context.machine.family)
            ),
            code="folder-of-another-user",
        )


def whole_at(context: Context, folder: Path, commit: str) -> bool:
    """Whether `folder` is a repository with this commit checked out and no file of it missing."""
    return (
        ask(context, folder, "rev-parse", "HEAD") == commit and ask(context, folder, "ls-files", "--deleted") == ""
    )


class GitRunner:
    """Git commands in one staged repository; progress becomes events, failure an exception with its cause."""

    def __init__(
        self,
        context: Context,
        folder: Path,
        source: str,
        *,
        existing: bool = False,
        first_word: float | None = None,
        bare: bool = False,
    ) -> None:
        """`existing`: the repository was not made by us just now; programs that it names are switched off.
        `first_word`: seconds within which a fetch has to say something; None for as long as any silence may last.
        `bare`: it has no working files.
        """
        self._context = context
        self._folder = folder
        self._source = source
        self._first_word = first_word
        self._shown = -1
        settings = [part for name, value in _SETTINGS for part in ("-c", f"{name}={value}")]
        self._argv = [find(context.machine, context.tools), *NO_PROGRAMS, *settings]
        self._argv += ["--git-dir", str(folder)] if bare else _of(folder)
        if existing:
            calm = _without_programs(context.machine, self._argv, folder)
            if calm is None:
                raise GitFailedError(UNKNOWN, "git did not list its settings")
            self._argv += [*calm, *NO_PASSWORDS]
        self._env: Mapping[str, str] = environment(context.machine)

    def __call__(self, *args: str) -> str:
        """Run one command; what it said. A lock file that a killed git has left is put aside.

        Raises:
            GitFailedError: what it said, and the cause.
        """
        try:
            return self._run(*args)
        except GitFailedError as failed:
            lock = locked(failed.said)
            if lock is None:
                raise
            if not self._unlocked(Path(lock)):
                raise GitFailedError(BUSY, failed.said) from failed
        return self._run(*args)

    def _unlocked(self, lock: Path) -> bool:
        """Whether the lock is gone: the git that held it has ended, or was killed and its lock is put aside."""
        git = self._folder / ".git"
        deadline = time.monotonic() + _LOCK_PATIENCE
        while git_runs(self._folder):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        place = git / BROKEN / lock.name
        try:
            if lock.exists() and Path(os.path.realpath(lock)).is_relative_to(os.path.realpath(git)):
                place.parent.mkdir(exist_ok=True)
                replace(lock, place)
        except OSError:
            return False
        return not lock.exists()

    def _run(self, *args: str) -> str:
        said: list[str] = []
        patience = self._first_word if args[0] == "fetch" else None
        with Child([*self._argv, *args], cwd=self._folder, env=self._env) as child:
            try:
                for line in self._lines(child, patience or _SILENCE):
                    amount = received(line)
                    if amount is None:
                        said.append(line)
                    elif amount[0] != self._shown:
                        self._shown = amount[0]
                        self._context.progress(amount[0], None, rate=amount[1], source=self._source)
            except TimeoutError:
                raise GitFailedError(SILENT if said or patience is None else DUMB, "\n".join(said)) from None
            rc = child.rc
        text = "\n".join(said)
        if rc != 0:
            raise GitFailedError(why_git_failed(text), text)
        return text.strip()

    @staticmethod
    def _lines(child: Child, first: float) -> Iterator[str]:
        """The child's lines: the first within `first` seconds, the others each within the usual time.

        Raises:
            TimeoutError: nothing came in time.
        """
        yield from islice(child.lines(silence=first), 1)
        yield from child.lines(silence=_SILENCE)


def _of(folder: Path) -> list[str]:
    """Arguments that pin git to the repository of this folder, whatever lies around it."""
    return ["-C", str(folder), "--git-dir=.git", "--work-tree=."]
