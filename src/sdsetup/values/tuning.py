"""What tuning decides: settings, each with the rule that made it and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdsetup.text import Text
from sdsetup.values.facts import Gpu


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why one setting is as it is. `setting` is a flag ("--medvram"), a variable name, or "torch".

    `decides`: what its rule decides among others ("memory", "attention"), None for a rule by itself. `short`: the
    reason in a few words, where somebody wrote them.
    """

    setting: str
    rule: str
    because: Text
    source: str
    decides: str | None = None
    short: Text | None = None


@dataclass(frozen=True, kw_only=True)
class TorchBuild:
    """A known-good set from `torch.toml`. Versions carry their local part ("2.7.0+cu128") where one is needed."""

    family: str  # "cu121-2.1"
    torch: str
    torchvision: str
    xformers: str | None  # the exact pair, only where the tuning uses it
    index_url: str | None = field(metadata={"key": False})  # None: the ordinary package index
    # What TORCH_COMMAND would be: "pip install torch==... torchvision==... --index-url ...".
    command: str = field(metadata={"key": False})
    # What an installer is asked for: pins, or addresses of wheels (Intel's extension on Windows).
    packages: tuple[str, ...] = ()
    # About what it transfers and takes, in bytes, for the plan.
    download_bytes: int = field(default=0, metadata={"key": False})
    disk_bytes: int = field(default=0, metadata={"key": False})


@dataclass(frozen=True, kw_only=True)
class Warning:
    topic: str
    text: Text
    rule: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Unsupported:
    reason: Text
    instead: Text


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The decision for one machine. `flags` holds one string per flag, value included ("--use-cpu all")."""

    profile: str
    tier: str | None
    gpu: Gpu | None  # the card it is for; None: processor only, or nothing known
    flags: tuple[str, ...]
    env: tuple[tuple[str, str], ...]  # in the order they are written
    torch: TorchBuild | None
    warnings: tuple[Warning, ...] = ()
    unsupported: Unsupported | None = None
    reasons: tuple[Reason, ...] = ()
    device: str = "none"  # cuda, rocm, ipex, mps, cpu, none
    model_class: str = "sd15"
    omitted: tuple[Reason, ...] = ()  # flags left out on purpose, and why
    fallbacks: tuple[TorchBuild, ...] = ()  # the builds to try, in order, if `torch` does not run on the card
    applied: tuple[str, ...] = ()  # every rule that applied
    memory_gib: float | None = None  # of the card, as it is sold: the driver reports a little less
    kept: tuple[str, ...] = ()  # variables of the user's own in the launch file: ours gave way
