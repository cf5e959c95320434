"""What lies in the installation folder.

`Contents`, as far as it is cheap to ask, is what a plan is made from; `Parts`, with their faults, is what doctor,
install and status judge by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sdsetup.values.request import LauncherKind


@dataclass(frozen=True, kw_only=True)
class Contents:
    """`heads`: folder relative to the installation ("" is itself) -> commit id its HEAD names.
    `sizes`: file relative to the installation -> bytes; `begun`: likewise, what an unfinished download has of
    it. `launch_files`: kind -> content."""

    heads: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, int] = field(default_factory=dict)
    launch_files: Mapping[LauncherKind, bytes] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()  # files of the web UI itself that are missing, or no text
    python: str | None = None  # the interpreter that an earlier run brought
    git: str | None = None  # likewise


@dataclass(frozen=True, kw_only=True)
class CheckedOut:
    """A git checkout. `path` is relative to the installation, "" is the web UI itself.

    `missing`: tracked files that are gone or emptied, None where git's index does not tell; `changed`: tracked
    files of another size than git left them, edits of the user as a rule."""

    path: str
    commit: str | None = None
    missing: tuple[str, ...] | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DamagedPackage:
    """The first file of a package that is not as its own list says."""

    name: str
    file: str
    how: Literal["missing", "size", "content", "record"]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model below models/Stable-diffusion. `damage`: a stable word (empty, cut-short, web-page, lfs-pointer,
    header, trailing, unreadable), `said` the sentence for users; `sha256` only after a deep look."""

    name: str
    size: int
    damage: str | None = None
    said: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class LaunchFileState:
    """The platform's own launch file, by names alone: values may be passwords. `problem`: why it cannot be
    read; `unknown`: its flags that this web UI does not know, with which it does not start; `no_environment`: the
    variable that leads to another environment than venv, and the folder, where no Python is in it; `environment`:
    the same where one is, which is then the one in use."""

    present: bool
    flags: tuple[str, ...] = ()
    problem: str | None = None
    unknown: tuple[str, ...] = ()
    no_environment: tuple[str, str] | None = None
    environment: tuple[str, str] | None = None

    @property
    def stopping(self) -> tuple[str, ...]:
        """Names of flags and variables with which the web UI does not start."""
        return (*self.unknown, *((self.no_environment[0],) if self.no_environment else ()))


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A run of ours that was cut off: when it began (ISO 8601, UTC), and the words to go on with it."""

    began: str
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A web UI that runs from the folder, and the ports of this PC on which it listens."""

    pid: int
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that an installation consists of. None: not there, or not known.

    `locked`: name and version of each package that was chosen when the environment was made, local tags
    included, None for one that is not ours; `packages`: the same of what lies there; `deep`: contents were
    hashed, not only sizes compared."""

    checkouts: tuple[CheckedOut, ...] = ()
    base_python: str | None = None  # the folder of the interpreter that the environment stands on
    locked: tuple[tuple[str, str], ...] | None = None
    packages: tuple[tuple[str, str], ...] | None = None
    damaged_packages: tuple[DamagedPackage, ...] = ()
    models: tuple[ModelFile, ...] = ()
    text_encoder: tuple[str, ...] | None = None  # files in openai/, relative to the installation; None: not looked
    launch_file: LaunchFileState | None = None
    settings: Literal["absent", "good", "empty", "damaged"] = "absent"  # config.json
    foreign: tuple[str, ...] = ()  # folders of another account that cannot be written; "" is the whole
    unfinished: Unfinished | None = None
    begun_update: str | None = (
        None  # since when (ISO 8601, UTC) a version lies beside this one, not put into place
    )
    running: Running | None = None
    distrusted: str | None = None  # what a failed start or image showed since the last proof
    deep: bool = False
