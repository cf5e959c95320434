"""The built-in tables and profiles, read once for every test that tunes."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdsetup.catalog.files import Profiles
from sdsetup.catalog.flags import KnownFlags, parse_flags
from sdsetup.catalog.gpus import GpuTable, parse_gpus
from sdsetup.catalog.torch import TorchBuilds, parse_torch
from sdsetup.catalog.tuning import Profile, Rules, parse_profile
from sdsetup.decide.tuning.engine import tune
from sdsetup.values.facts import Facts
from sdsetup.values.tuning import Tuning


@cache
def known() -> KnownFlags:
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


def rules(name: str = "current") -> Rules:
    return Rules(profile=profile(name), gpus=gpus(), builds=builds(), known=known())


def tuned(facts: Facts, name: str = "current", **more: Any) -> Tuning:
    return tune(facts, rules(name), **more)
