"""The plan: steps as values that can be printed, compared, hashed and stored.

A step kind is one dataclass in `Action`; the runner has one `match` arm for each.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, NoReturn

from sdsetup.text import Text
from sdsetup.values.flags import Settings
from sdsetup.values.tuning import TorchBuild

# Where something comes from is not what it is: a commit or a hash pins the product, so a mirror that
# was added or moved must not make finished work stale.
_ADDRESS = {"key": False}
_HOW = {"key": False}


@dataclass(frozen=True, kw_only=True)
class CloneWebUI:
    """The checkout itself, at a pinned commit, staged beside the target."""

    urls: tuple[str, ...] = field(metadata=_ADDRESS)
    commit: str
    ref: str  # tag or branch that a shallow clone can ask for
    branch: str  # the local branch that `git pull` will follow
    full_history: bool = False
    restore: tuple[str, ...] = field(default=(), metadata=_ADDRESS)  # files that are missing, or no text


@dataclass(frozen=True, kw_only=True)
class CloneRepository:
    """One of the web UI's own repositories below `repositories/`."""

    name: str
    urls: tuple[str, ...] = field(metadata=_ADDRESS)  # in order of preference
    commit: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a file can be had: a hub repository at a revision, or a plain address."""

    hub: str | None = None
    revision: str | None = None
    file: str | None = None  # name inside the hub repository
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class FetchFile:
    """One large file, pinned by size and SHA-256 whatever the source."""

    name: str
    save_as: str  # relative to the installation folder, forward slashes
    size: int  # bytes
    sha256: str
    sources: tuple[Source, ...] = field(metadata=_ADDRESS)


@dataclass(frozen=True, kw_only=True)
class FetchFiles:
    """Several small pinned files that belong together (the tokenizer)."""

    files: tuple[FetchFile, ...]


@dataclass(frozen=True, kw_only=True)
class BringPython:
    """A CPython of this minor version, through uv's own pinned builds, into our tools folder."""

    version: str  # "3.10"


@dataclass(frozen=True, kw_only=True)
class BringGit:
    """MinGit, into our tools folder (Windows only)."""

    archive: FetchFile


@dataclass(frozen=True, kw_only=True)
class BuildEnvironment:
    """`D/venv` in one resolution. `python` is a path, or None for the one that `BringPython` brings.

    Where the interpreter lies is no part of the step's key: on a PC without a fitting one the first run cannot
    know it, and the second one would begin anew."""

    python: str | None = field(metadata=_HOW)
    torch: TorchBuild
    requirements: str  # file name inside the checkout
    extra: tuple[str, ...]  # further requirements in the same resolution
    overrides: tuple[str, ...]  # requirement lines that replace the web UI's own
    build_constraints: tuple[str, ...]
    constraints: tuple[str, ...] = ()  # upper bounds for packages that others bring along
    compile_later: tuple[str, ...] = field(default=(), metadata={"key": False})  # folders no start imports


@dataclass(frozen=True, kw_only=True)
class ProveTorch:
    """Runs torch on the card. `fallbacks`: the next suitable builds, tried once on failure."""

    expect_gpu: bool
    card: str | None = None  # name and driver: another card or driver is to be proved again
    env: tuple[tuple[str, str], ...] = ()  # which card to use, as the launch file says it
    fallbacks: tuple[TorchBuild, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WriteLauncher:
    """One launch file: our settings, merged into whatever the user has there."""

    kind: Literal["bat", "sh"]
    flags: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    # How to merge, not what results: no part of the step's key.
    drop_flags: tuple[str, ...] = field(default=(), metadata=_HOW)  # flags we set earlier and no longer want
    drop_env: tuple[str, ...] = field(default=(), metadata=_HOW)
    exclusive: tuple[tuple[str, ...], ...] = field(default=(), metadata=_HOW)  # of each group only one may stand
    encoding: str | None = field(default=None, metadata=_HOW)  # Python's name of cmd's code page for a .bat here

    @property
    def settings(self) -> Settings:
        return Settings(
            flags=self.flags,
            env=self.env,
            drop_flags=self.drop_flags,
            drop_env=self.drop_env,
            exclusive=self.exclusive,
        )


@dataclass(frozen=True, kw_only=True)
class CheckWebUI:
    """The web UI's own installer in its dry run: it must find nothing left to do."""

    flags: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProvePicture:
    """One small seeded image through the API."""

    width: int
    height: int
    steps: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A file that is in the web UI's way moves into `.sdsetup/former`; `path` is relative to the installation."""

    path: str


Action = (
    CloneWebUI
    | CloneRepository
    | FetchFile
    | FetchFiles
    | BringPython
    | BringGit
    | BuildEnvironment
    | ProveTorch
    | WriteLauncher
    | SetAside
    | CheckWebUI
    | ProvePicture
)


def no_arm(action: NoReturn) -> NoReturn:
    """The last arm of a `match` over all actions: the type checker names a kind of step that it forgot."""
    raise AssertionError(f"no arm for {action!r}")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One resumable piece of work. `bytes` is what it transfers, `disk_bytes` what it adds to the disk, `seconds`
    about what it takes beside the transfer."""

    id: str
    title: Text
    detail: Text
    action: Action
    needs: tuple[str, ...] = ()
    bytes: int = 0
    disk_bytes: int = 0
    seconds: float = 1.0
    state: Literal["todo", "done"] = "todo"
    because: Text = field(default_factory=lambda: Text("not there yet"))


@dataclass(frozen=True, kw_only=True)
class Plan:
    dir: str
    steps: tuple[Step, ...]
    free_bytes: int | None = None
    outside: str | None = None  # where packages and downloads are kept besides

    @property
    def outside_bytes(self) -> int:
        """About what stays in the cache: the packages of an environment that is built."""
        built = (step for step in self.todo if isinstance(step.action, BuildEnvironment))
        return sum(step.disk_bytes for step in built)

    @property
    def todo(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.state == "todo")

    @property
    def bytes(self) -> int:
        return sum(step.bytes for step in self.todo)

    @property
    def disk_bytes(self) -> int:
        return sum(step.disk_bytes for step in self.todo)


def step_keys(steps: tuple[Step, ...]) -> dict[str, str]:
    """Step id -> key: a hash of the step's own data (not of addresses) and of the keys of the steps it needs.

    Steps must stand after the ones they need (KeyError otherwise: a bug in planning).
    """
    keys: dict[str, str] = {}
    tools = {step.id for step in steps if isinstance(step.action, BringPython | BringGit)}
    for step in steps:
        # A tool that was brought is how a step is done: once it is there, no later plan brings it.
        needed = [key for name in step.needs if (key := keys[name]) and name not in tools]
        said = json.dumps(
            [step.id, type(step.action).__name__, _identity(step.action), needed],
            sort_keys=True,
            separators=(",", ":"),
        )
        keys[step.id] = hashlib.sha256(said.encode()).hexdigest()[:16]
    return keys


def _identity(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _identity(getattr(value, f.name)) for f in fields(value) if f.metadata.get("key", True)}
    if isinstance(value, tuple):
        return [_identity(item) for item in value]
    return value
