"""What every command works with: the machine, the catalog, and where to speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import Profiles
from sdsetup.errors import UsageError
from sdsetup.execute.context import Context
from sdsetup.execute.newer_profiles import folder_in_use
from sdsetup.machine import Machine
from sdsetup.machine.real import RealMachine
from sdsetup.probe import default_folder
from sdsetup.show.commands import carry_dir
from sdsetup.show.screen import Screen
from sdsetup.storage import cache_folder, data_folder
from sdsetup.text import Text
from sdsetup.values.events import Event, Listener
from sdsetup.values.facts import Facts
from sdsetup.workflows import log, registry

if TYPE_CHECKING:
    from sdsetup.values.kit import Kit


def _as_they_are(facts: Facts) -> Facts:
    return facts


def named_path(given: Path) -> Path:
    """A path of an option made absolute, with `~` filled in.

    Raises:
        UsageError: `no-such-user`, `current-folder-gone`.
    """
    try:
        return given.expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(
            Text("No user with that name on this PC"),
            where=given,
            hint=Text("Use the full path, for example /home/name/folder."),
            code="no-such-user",
        ) from error
    except FileNotFoundError as error:
        raise UsageError(
            Text("The current folder of this terminal no longer exists"),
            where=given,
            hint=Text("Go to another folder (cd ~), or use the full path."),
            code="current-folder-gone",
        ) from error


class AlreadySaid(int):
    """An exit code whose reason the command has told the user itself."""

    said = True


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run of one command. `json` moves people's text to standard error."""

    machine: Machine
    catalog: Catalog
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    # A practice run: said on every screen, and what it changes about the facts.
    banner: Text | None = None
    adjust: Callable[[Facts], Facts] = _as_they_are
    kit: Kit | None = None  # what everything comes from; nothing else is asked then
    _told_of_several: list[str] = field(default_factory=list)

    @cached_property
    def screen(self) -> Screen:
        """Where people's text goes."""
        return Screen(to_stderr=self.json, quiet=self.quiet, verbose=self.verbose, banner=self.banner)

    @property
    def practising(self) -> bool:
        return self.banner is not None

    @property
    def cache(self) -> Path:
        return cache_folder(self.machine.env)

    @property
    def tools(self) -> Path:
        """Where the Python and the Git lie that an installation brings."""
        return data_folder(self.machine.env) / "tools"

    def folder(self, given: Path | None) -> Path:
        """The folder that was named, made absolute; else that of the installation which was used last; else the
        default for this machine. Of several installations the one that is taken is named on the screen."""
        if given is not None:
            named = named_path(given)
            carry_dir(named)
            return named
        known = [entry.dir for entry in registry.known(self.machine) if not entry.practice]
        if known:
            if len(known) > 1 and not self._told_of_several:
                self._told_of_several.append(known[0])
                said = Text("Using {dir}, one of {count} installations on this PC", count=len(known), dir=known[0])
                self.screen.line(said, "quiet")
            return Path(known[0])
        return default_folder(self.machine, need_bytes=self.catalog.doctor.install_bytes)

    def context(self, folder: Path, listen: Listener | None = None, *, step: str = "") -> Context:
        """What steps are given to work on an installation; without a listener, notes go to the screen."""
        return Context(
            dir=folder,
            tools=self.tools,
            cache=self.cache,
            machine=self.machine.passing_over(folder),
            catalog=self.catalog,
            step=step,
            listen=listen or self._tell_notes,
            one_index=self.kit is not None,
        )

    def with_stand_ins(
        self, catalog: Catalog, env: Mapping[str, str], banner: Text, adjust: Callable[[Facts], Facts]
    ) -> Session:
        """The same run with stand-ins in place of the world."""
        machine = RealMachine({**self.machine.env, **env})
        return replace(self, machine=machine, catalog=catalog, banner=banner, adjust=adjust)

    def with_kit(self, kit: Kit, catalog: Catalog, env: Mapping[str, str]) -> Session:
        """The same run with a kit in place of every address."""
        machine = RealMachine({**self.machine.env, **env})
        return replace(self, machine=machine, catalog=catalog, kit=kit)

    def _tell_notes(self, event: Event) -> None:
        if event.kind == "note" and event.text is not None and not self.quiet:
            self.screen.line(event.text, "quiet", indent=2)


def open_session(
    *,
    command: str,
    profiles: Path | None = None,
    json: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> Session:
    """Start the log file of this run and gather what the command works with."""
    machine = RealMachine()
    log.start(command, machine)
    files = Profiles(profiles, newer=folder_in_use(machine.env))
    return Session(machine=machine, catalog=Catalog(files), json=json, quiet=quiet, verbose=verbose)
