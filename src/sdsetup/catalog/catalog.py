"""Everything that sdsetup knows of the world: each profile is read, checked and parsed once a run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sdsetup.catalog.doctor import DoctorProfile, read_doctor
from sdsetup.catalog.files import UPDATES, Profiles
from sdsetup.catalog.flags import KnownFlags, parse_flags
from sdsetup.catalog.gpus import GpuTable, parse_gpus
from sdsetup.catalog.models import ModelProfile, parse_model_profile
from sdsetup.catalog.torch import TorchBuilds, parse_torch
from sdsetup.catalog.tuning import Profile, Rules, parse_profile
from sdsetup.catalog.webui import WebUI, parse_webui
from sdsetup.errors import UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.catalog.failures import FailureBook
    from sdsetup.catalog.fit import ModelKind
    from sdsetup.catalog.measure import MeasureProfile
    from sdsetup.catalog.pickles import PickleNames
    from sdsetup.catalog.tools import Tools
    from sdsetup.catalog.updates import Updates


class Catalog:
    """The profiles as values. Each is parsed when it is first asked for, and kept. The readers of those that
    `doctor` does not need are loaded with them: they are a tenth of its start.

    Every property raises `ProfileError`, naming all problems of its files, when a profile is not sound.
    """

    def __init__(self, files: Profiles | None = None) -> None:
        self.files = Profiles() if files is None else files
        self._tunings: dict[str, Profile] = {}

    def with_tables(self, tables: Mapping[str, dict[str, Any]]) -> Catalog:
        """The same catalog with these profiles in place of its own: a practice run's, a kit's.

        What is parsed of the others is not parsed again.
        """
        changed = Catalog(self.files.with_tables(tables))
        changed._tunings = self._tunings
        for name, value in vars(self).items():
            if isinstance(getattr(type(self), name, None), cached_property) and name not in tables:
                vars(changed)[name] = value
        return changed

    @cached_property
    def doctor(self) -> DoctorProfile:
        return read_doctor(self.files.raw("doctor"))

    @cached_property
    def failures(self) -> FailureBook:
        from sdsetup.catalog.failures import parse_failures

        return parse_failures(self.files.raw("failures"), "failures")

    @cached_property
    def fit(self) -> tuple[ModelKind, ...]:
        from sdsetup.catalog.fit import parse_fit

        return parse_fit(self.files.raw("fit"), "fit.toml")

    @cached_property
    def flags(self) -> KnownFlags:
        return parse_flags(self.files.raw("flags"), "flags.toml")

    @cached_property
    def gpus(self) -> GpuTable:
        return parse_gpus(self.files.raw("gpus"), "gpus.toml")

    @cached_property
    def measure(self) -> MeasureProfile:
        from sdsetup.catalog.measure import parse_measure

        return parse_measure(self.files.raw("measure"), "measure.toml", self.flags)

    @cached_property
    def models(self) -> ModelProfile:
        return parse_model_profile(self.files.raw("models"))

    @cached_property
    def pickles(self) -> PickleNames:
        from sdsetup.catalog.pickles import parse_pickles

        return parse_pickles(self.files.raw("pickles"))

    @cached_property
    def tools(self) -> Tools:
        from sdsetup.catalog.tools import parse_tools

        return parse_tools(self.files.raw("tools"), "tools.toml")

    @cached_property
    def torch(self) -> TorchBuilds:
        return parse_torch(self.files.raw("torch"), "torch.toml")

    @cached_property
    def updates(self) -> Updates:
        from sdsetup.catalog.updates import parse_updates

        return parse_updates(self.files.raw(UPDATES), f"{UPDATES}.toml")

    def check(self) -> None:
        """Read everything.

        Raises:
            ProfileError: naming the problems of the first profile that is not sound.
        """
        for name, value in vars(type(self)).items():
            if isinstance(value, cached_property):
                getattr(self, name)
        for name in self.files.names("tuning"):
            self.rules(name)

    @cached_property
    def webui(self) -> WebUI:
        return parse_webui(self.files.raw("webui"), "webui.toml")

    def rules(self, name: str = "current") -> Rules:
        """The named tuning profile with the tables it needs.

        Raises:
            UsageError: `profile-unknown`.
        """
        if name not in self._tunings:
            names = self.files.names("tuning")
            if name not in names:
                raise UsageError(
                    Text("Unknown tuning profile: {name}", name=name),
                    code="profile-unknown",
                    hint=Text("Use one of: {names}.", names=", ".join(names)),
                )
            families = [build.family for build in self.torch.builds]
            raw, path = self.files.raw(f"tuning/{name}"), f"tuning/{name}.toml"
            self._tunings[name] = parse_profile(raw, path, self.flags, families)
        return Rules(profile=self._tunings[name], gpus=self.gpus, builds=self.torch, known=self.flags)
