"""The built-in tables and profiles, read once for every test that tunes."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdsetup.decide.facts import Facts
from sdsetup.decide.profiles.flags import Known, parse_flags
from sdsetup.decide.profiles.gpus import GpuTable, parse_gpus
from sdsetup.decide.profiles.torch import TorchBuilds, parse_torch
from sdsetup.decide.profiles.tuning import Profile, parse_profile
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.tuning.values import Tuning
from sdsetup.storage import Profiles


@cache
def known() -> Known:
    return parse_flags(Profiles().raw("flags"))


@cache
def gpus() -> GpuTable:
    return parse_gpus(Profiles().raw("gpus"))


@cache
def builds() -> TorchBuilds:
    return parse_torch(Profiles().raw("torch"))


@cache
def profile(name: str = "current") -> Profile:
    families = [build.family for build in builds().builds]
    return parse_profile(Profiles().raw(f"tuning/{name}"), f"tuning/{name}.toml", known(), families)


def tuned(facts: Facts, name: str = "current", **more: Any) -> Tuning:
    return tune(facts, profile(name), gpus(), builds(), **more)
