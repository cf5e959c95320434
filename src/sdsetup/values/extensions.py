"""Extensions of the web UI, as their files and its settings tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fight:
    """A requirement of an extension that the environment's pinned version does not meet."""

    package: str
    wants: str  # the line of requirements.txt
    pinned: str  # version


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One folder below `extensions`. `commit`, `branch`, `remote`: of a git clone; None where it is none."""

    name: str
    path: str
    enabled: bool
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    fights: tuple[Fight, ...] = ()
    unread: tuple[str, ...] = ()  # lines of requirements.txt that name no version to compare


@dataclass(frozen=True, kw_only=True)
class Extensions:
    """All extensions of an installation, by name. `switched_off`: the web UI's own switch for all of them is set.

    `replaced`: package -> (version that sdsetup installed, version that is there now).
    """

    found: tuple[Extension, ...]
    switched_off: bool
    settings: str  # path of the web UI's config.json
    replaced: Mapping[str, tuple[str, str]]

    @property
    def enabled(self) -> tuple[str, ...]:
        return () if self.switched_off else tuple(one.name for one in self.found if one.enabled)
