"""What every command needs at its start: the machine, the profiles, the log file, and where to speak."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.machine import Machine
from sdsetup.storage import Profiles

if TYPE_CHECKING:
    from sdsetup.show.screen import Screen


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run of one command. `json` moves people's text to standard error."""

    machine: Machine
    profiles: Profiles
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    _screens: list[Screen] = field(default_factory=list, repr=False)

    @property
    def screen(self) -> Screen:
        """Where people's text goes; made at first use, because drawing is the heaviest import."""
        if not self._screens:
            from sdsetup.show.screen import Screen

            self._screens.append(Screen(to_stderr=self.json, quiet=self.quiet, verbose=self.verbose))
        return self._screens[0]


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

    machine = RealMachine()
    log.start(command, machine)
    return Session(machine=machine, profiles=Profiles(profiles), json=json, quiet=quiet, verbose=verbose)
