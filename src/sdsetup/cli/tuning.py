"""Reads the rules, the card table and the torch builds that a tuning is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdsetup.decide.profiles.flags import Known
from sdsetup.decide.profiles.gpus import GpuTable
from sdsetup.decide.profiles.torch import TorchBuilds
from sdsetup.decide.profiles.tuning import Profile
from sdsetup.errors import UsageError
from sdsetup.storage import Profiles
from sdsetup.text import Text

# What a tuning asks of a machine: it need not wait for ports, disks and the network.
SUBJECTS = ("system", "gpus", "memory", "pythons", "installation")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Everything that a tuning is made from."""

    profile: Profile
    gpus: GpuTable
    builds: TorchBuilds
    known: Known

    def without(self, rule: str) -> Rules:
        """The same with one rule less."""
        return replace(self, profile=self.profile.without(rule))


def load_rules(profiles: Profiles, name: str = "current") -> Rules:
    """The named profile with the tables it needs.

    Raises:
        ProfileError: naming every problem of all these files.
        UsageError: `profile-unknown`.
    """
    from sdsetup.decide.profiles.flags import parse_flags
    from sdsetup.decide.profiles.gpus import parse_gpus
    from sdsetup.decide.profiles.torch import parse_torch
    from sdsetup.decide.profiles.tuning import parse_profile

    names = profiles.names("tuning")
    if name not in names:
        raise UsageError(
            Text("There is no tuning profile {name}", name=name),
            code="profile-unknown",
            hint=Text("Use one of: {names}.", names=", ".join(names)),
        )
    known = parse_flags(profiles.raw("flags"), "flags.toml")
    builds = parse_torch(profiles.raw("torch"), "torch.toml")
    families = [build.family for build in builds.builds]
    return Rules(
        profile=parse_profile(profiles.raw(f"tuning/{name}"), f"tuning/{name}.toml", known, families),
        gpus=parse_gpus(profiles.raw("gpus"), "gpus.toml"),
        builds=builds,
        known=known,
    )
