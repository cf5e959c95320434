"""The record of an installation: what to remember of it, and what is different now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sdsetup.values.facts import Facts, Gpu, Installation
from sdsetup.values.flags import names_of
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.tuning import Tuning

_VRAM_TOLERANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference between then and now. Only `card` and `vram` ask for new settings."""

    what: Literal["card", "vram", "driver", "torch", "settings", "version"]
    before: str | None
    after: str | None


def record_of(facts: Facts, tuning: Tuning, versions: Mapping[str, str] | None = None) -> InstallRecord:
    """What to remember of an installation made with this tuning; `facts` tell what lies there now."""
    gpu = tuning.gpu
    return InstallRecord(
        card=gpu.name if gpu else None,
        compute_capability=gpu.compute_capability if gpu else None,
        vram_bytes=gpu.vram_bytes if gpu else None,
        driver=gpu.driver_version if gpu else None,
        torch=facts.installation.torch if facts.installation else None,
        profile=tuning.profile,
        flags=tuning.flags,
        env=tuning.env,
        versions=tuple(sorted((versions or {}).items())),
    )


def of_launch_file(
    old: InstallRecord | None, there: Installation | None, tuning: Tuning, versions: Mapping[str, str]
) -> InstallRecord:
    """What to remember when only the launch file was written. Of a web UI that somebody else installed nobody
    knows for which card; its torch is the one that lies there."""
    if old is None:
        torch = there.torch if there else None
        old = InstallRecord(made_here=False, torch=torch, versions=tuple(sorted(versions.items())))
    return replace(old, profile=tuning.profile, flags=tuning.flags, env=tuning.env)


def left_over(
    old: InstallRecord | None, flags: tuple[str, ...], env: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Names of flags and of variables that we set for `old` and that are not set any more: ours to take out."""
    if old is None:
        return (), ()
    wanted = names_of(flags)
    return tuple(name for name in names_of(old.flags) if name not in wanted), tuple(
        name for name, _ in old.env if name not in env
    )


def of_card(gpu: Gpu | None) -> InstallRecord:
    """The fingerprint of a machine as it is now, before anything is tuned: only what the card tells."""
    if gpu is None:
        return InstallRecord()
    return InstallRecord(
        card=gpu.name,
        compute_capability=gpu.compute_capability,
        vram_bytes=gpu.vram_bytes,
        driver=gpu.driver_version,
    )


def changed(old: InstallRecord, new: InstallRecord) -> tuple[Change, ...]:
    """What is different now. A fact that one side does not know is no difference."""
    found = [_difference("card", old.card, new.card, same=_same_card(old, new))]
    if found == [None]:
        found.append(
            _difference("vram", old.vram_bytes, new.vram_bytes, same=_near(old.vram_bytes, new.vram_bytes))
        )
    found.append(_difference("driver", old.driver, new.driver))
    found.append(_difference("torch", old.torch, new.torch))
    if new.profile is not None:  # otherwise `new` describes a machine, not an installation
        found.append(_difference("settings", _settings(old), _settings(new)))
        then, now = dict(old.versions), dict(new.versions)
        found += [
            _difference("version", f"{name} {then[name]}", f"{name} {now[name]}")
            for name in sorted(then.keys() & now.keys())
        ]
    return tuple(change for change in found if change is not None)


def same_name(one: str | None, other: str | None) -> bool:
    """Whether two names mean the same model: drivers add and drop "NVIDIA", and differ in case."""
    return one is not None and other is not None and _plain(one) == _plain(other)


def _same_card(old: InstallRecord, new: InstallRecord) -> bool:
    if old.compute_capability and new.compute_capability and old.compute_capability != new.compute_capability:
        return False
    if old.card is None and old.made_here and old.profile is not None and new.card is not None:
        return False  # it was made for the CPU, and now there is a card
    return old.card is None or new.card is None or same_name(old.card, new.card)


def _plain(name: str) -> str:
    words = name.lower().replace("(r)", " ").replace("(tm)", " ").split()
    return " ".join(word for word in words if word not in ("nvidia", "amd", "intel"))


def _near(one: int | None, other: int | None) -> bool:
    if one is None or other is None:
        return True
    return abs(one - other) <= _VRAM_TOLERANCE * max(one, other)


def _difference(what: Any, before: Any, after: Any, *, same: bool | None = None) -> Change | None:
    if same is None:
        same = before is None or after is None or before == after
    if same:
        return None
    return Change(
        what=what,
        before=None if before is None else str(before),
        after=None if after is None else str(after),
    )


def _settings(value: InstallRecord) -> str:
    return " ".join([*value.flags, *(f"{name}={text}" for name, text in value.env)])
