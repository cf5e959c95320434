"""What `status` says of one installation, and of what lies outside of all of them."""

from __future__ import annotations

from dataclasses import dataclass

from sdsetup.text import Text


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes of the parts of an installation. An environment made of links shares its files with the cache."""

    environment: int
    repositories: int
    models: int
    pictures: int
    kept: int  # what sdsetup set aside in .sdsetup
    total: int


@dataclass(frozen=True, kw_only=True)
class InstallationStatus:
    """Unknown is None; times are ISO 8601 in UTC. `outdated`: what is not the newest that we know."""

    dir: str
    practice: bool = False
    commit: str | None = None
    tag: str | None = None
    branch: str | None = None
    torch: str | None = None
    python: str | None = None
    card: str | None = None
    made_here: bool = True
    models: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    sizes: Sizes | None = None
    last_start: str | None = None
    last_picture: str | None = None
    running: tuple[int, ...] | None = None  # ports, None when it does not run
    unfinished: bool = False
    shortcuts: tuple[str, ...] = ()  # files that start it from the menu or the desktop
    outdated: tuple[Text, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A folder of ours outside of every installation, and the bytes in it."""

    what: str  # cache, tools, log, packages
    path: str
    bytes: int
