"""Reads the profiles that tuning needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdsetup.errors import UsageError
from sdsetup.storage import Profiles
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.profiles.flags import Known
    from sdsetup.decide.profiles.gpus import GpuTable
    from sdsetup.decide.profiles.torch import TorchBuilds
    from sdsetup.decide.profiles.tuning import Profile


@dataclass(frozen=True, kw_only=True)
class Rules:
    profile: Profile
    known: Known
    gpus: GpuTable
    builds: TorchBuilds


def load_rules(profiles: Profiles, name: str) -> Rules:
    """One rule profile with the tables it stands on.

    Raises:
        UsageError: `profile-unknown`.
        ProfileError: with every problem of all the files, each with its path.
    """
    from sdsetup.decide.profiles.flags import parse_flags
    from sdsetup.decide.profiles.gpus import parse_gpus
    from sdsetup.decide.profiles.torch import parse_torch
    from sdsetup.decide.profiles.tuning import parse_profile

    names = profiles.names("tuning")
    if name not in names:
        raise UsageError(
            Text("There is no tuning profile {name}", name=name),
            hint=Text("There are: {names}.", names=", ".join(names)),
            code="profile-unknown",
        )
    known = parse_flags(profiles.raw("flags"), "flags.toml")
    builds = parse_torch(profiles.raw("torch"), "torch.toml")
    return Rules(
        profile=parse_profile(
            profiles.raw(f"tuning/{name}"),
            f"tuning/{name}.toml",
            known,
            tuple(build.family for build in builds.builds),
        ),
        known=known,
        gpus=parse_gpus(profiles.raw("gpus"), "gpus.toml"),
        builds=builds,
    )
