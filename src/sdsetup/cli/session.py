"""What every command needs at its start: the machine, the profiles, the log file, and where to speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdsetup.decide.facts import Facts
    from sdsetup.machine import Machine
    from sdsetup.show.screen import Screen
    from sdsetup.storage import Profiles
    from sdsetup.text import Text


def _as_they_are(facts: Facts) -> Facts:
    return facts


class AlreadySaid(int):
    """An exit code whose reason the command has told the person itself."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run of one command. `json` moves people's text to standard error."""

    machine: Machine
    profiles: Profiles
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    # A practice run: said on every screen, and what it changes about the facts.
    banner: Text | None = None
    adjust: Callable[[Facts], Facts] = _as_they_are
    _screens: list[Screen] = field(default_factory=list, repr=False)

    @property
    def screen(self) -> Screen:
        """Where people's text goes; made at first use, because drawing is the heaviest import."""
        if not self._screens:
            from sdsetup.show.screen import Screen

            self._screens.append(
                Screen(to_stderr=self.json, quiet=self.quiet, verbose=self.verbose, banner=self.banner)
            )
        return self._screens[0]

    def rehearsing(
        self, profiles: Profiles, env: Mapping[str, str], banner: Text, adjust: Callable[[Facts], Facts]
    ) -> Session:
        """The same run with stand-ins in place of the world."""
        from sdsetup.machine.real import RealMachine

        machine = RealMachine({**self.machine.env, **env})
        return replace(self, machine=machine, profiles=profiles, banner=banner, adjust=adjust, _screens=[])


def open_session(
    *,
    command: str,
    profiles: Path | None = None,
    json: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> Session:
    """Start the log file of this run and gather what the command works with."""
    from sdsetup.cli import log
    from sdsetup.machine.real import RealMachine
    from sdsetup.storage import Profiles

    machine = RealMachine()
    log.start(command, machine)
    return Session(machine=machine, profiles=Profiles(profiles), json=json, quiet=quiet, verbose=verbose)
