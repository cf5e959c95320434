"""A tuning profile with the tables that its rules ask."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdsetup.catalog.flags import KnownFlags
from sdsetup.catalog.gpus import GpuTable
from sdsetup.catalog.torch import TorchBuilds
from sdsetup.catalog.tuning import Profile


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Everything that a tuning is made from."""

    profile: Profile
    gpus: GpuTable
    builds: TorchBuilds
    known: KnownFlags

    def without(self, rule: str) -> Rules:
        """The same with one rule less."""
        return replace(self, profile=self.profile.without(rule))
