"""What an installation was made for, remembered beside it, so that a new card is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sdsetup.decide.shape import OwnFile

if TYPE_CHECKING:  # facts carry a recorded fingerprint, so the import goes the other way round
    from sdsetup.decide.facts import Facts, Gpu
    from sdsetup.decide.tuning.values import Tuning

SCHEMA = "sdsetup.machine/1"
FILE = OwnFile(
    schema=SCHEMA,
    shape={
        **dict.fromkeys(("card?", "driver?", "torch?", "profile?"), (str, None)),
        "compute_capability?": ([int], None),
        "vram_bytes?": (int, None),
        "flags?": [str],
        "env?": {str: str},
        "versions?": {str: str},
    },
)

# The same card's memory differs by this share between NVML, nvidia-smi, the registry and a driver update.
_VRAM_TOLERANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The card, the driver and the settings of one finished installation. Unknown is None."""

    card: str | None = None  # "NVIDIA GeForce RTX 3060"; None: made for the processor, or not known
    compute_capability: tuple[int, int] | None = None
    vram_bytes: int | None = None
    driver: str | None = None
    torch: str | None = None  # "2.1.2+cu121"
    profile: str | None = None
    flags: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()  # ("sdsetup", "0.1.0"), ("webui", commit), ("python", "3.10.11")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference between then and now. Only `card` and `vram` ask for new settings."""

    what: Literal["card", "vram", "driver", "torch", "settings", "version"]
    before: str | None
    after: str | None


def fingerprint(facts: Facts, tuning: Tuning, versions: Mapping[str, str] | None = None) -> Fingerprint:
    """What to remember of an installation made from these facts with this tuning."""
    gpu = tuning.gpu
    return Fingerprint(
        card=gpu.name if gpu else None,
        compute_capability=gpu.compute_capability if gpu else None,
        vram_bytes=gpu.vram_bytes if gpu else None,
        driver=gpu.driver_version if gpu else None,
        torch=tuning.torch.torch if tuning.torch else (facts.installation.torch if facts.installation else None),
        profile=tuning.profile,
        flags=tuning.flags,
        env=tuning.env,
        versions=tuple(sorted((versions or {}).items())),
    )


def left_over(
    old: Fingerprint | None, flags: tuple[str, ...], env: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Names of flags and of variables that we set for `old` and that are not set any more: ours to take out."""
    if old is None:
        return (), ()
    wanted = {flag.split(" ", 1)[0] for flag in flags}
    names = dict.fromkeys(flag.split(" ", 1)[0] for flag in old.flags)
    return tuple(name for name in names if name not in wanted), tuple(
        name for name, _ in old.env if name not in env
    )


def of_card(gpu: Gpu | None) -> Fingerprint:
    """The fingerprint of a machine as it is now, before anything is tuned: only what the card tells."""
    if gpu is None:
        return Fingerprint()
    return Fingerprint(
        card=gpu.name,
        compute_capability=gpu.compute_capability,
        vram_bytes=gpu.vram_bytes,
        driver=gpu.driver_version,
    )


def changed(old: Fingerprint, new: Fingerprint) -> tuple[Change, ...]:
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


def to_json(value: Fingerprint) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "card": value.card,
        "compute_capability": list(value.compute_capability) if value.compute_capability else None,
        "vram_bytes": value.vram_bytes,
        "driver": value.driver,
        "torch": value.torch,
        "profile": value.profile,
        "flags": list(value.flags),
        "env": dict(value.env),
        "versions": dict(value.versions),
    }


def from_json(value: Any) -> Fingerprint | None:
    """The fingerprint in a JSON value. None when it is not one: the memory is lost then, nothing else.

    A field of another kind than expected is unknown rather than an error.
    """
    if not isinstance(value, dict) or not str(value.get("schema", "")).startswith("sdsetup.machine/"):
        return None
    pair = value.get("compute_capability")
    whole = isinstance(pair, list) and len(pair) == 2 and all(type(part) is int for part in pair)
    vram = value.get("vram_bytes")
    flags = value.get("flags")
    return Fingerprint(
        card=_text(value.get("card")),
        compute_capability=(pair[0], pair[1]) if whole and isinstance(pair, list) else None,
        vram_bytes=vram if type(vram) is int else None,
        driver=_text(value.get("driver")),
        torch=_text(value.get("torch")),
        profile=_text(value.get("profile")),
        flags=tuple(flag for flag in flags if isinstance(flag, str)) if isinstance(flags, list) else (),
        env=_pairs(value.get("env")),
        versions=_pairs(value.get("versions")),
    )


def _same_card(old: Fingerprint, new: Fingerprint) -> bool:
    if old.compute_capability and new.compute_capability and old.compute_capability != new.compute_capability:
        return False
    if old.card is None and old.profile is not None and new.card is not None:
        return False  # it was made for the processor, and now there is a card
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


def _settings(value: Fingerprint) -> str:
    return " ".join([*value.flags, *(f"{name}={text}" for name, text in value.env)])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        return ()
    return tuple((key, text) for key, text in value.items() if isinstance(key, str) and isinstance(text, str))
