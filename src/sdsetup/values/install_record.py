"""What an installation was made for, remembered beside it, so that a new card is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdsetup.values.shape import OwnFile

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


@dataclass(frozen=True, kw_only=True)
class InstallRecord:
    """The card, the driver and the settings of one finished installation. Unknown is None."""

    made_here: bool = True  # False: somebody else made the environment, only the launch file is ours
    card: str | None = None  # "NVIDIA GeForce RTX 3060"; None: made for the CPU (not known: made elsewhere)
    compute_capability: tuple[int, int] | None = None
    vram_bytes: int | None = None
    driver: str | None = None
    torch: str | None = None  # "2.1.2+cu121"
    profile: str | None = None
    flags: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()  # ("sdsetup", "0.1.0"), ("webui", commit), ("python", "3.10.11")


def to_json(value: InstallRecord) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "made_here": value.made_here,
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


def from_json(value: Any) -> InstallRecord | None:
    """The fingerprint in a JSON value. None when it is not one: the memory is lost then, nothing else.

    A field of another kind than expected is unknown rather than an error.
    """
    if not isinstance(value, dict) or not str(value.get("schema", "")).startswith("sdsetup.machine/"):
        return None
    pair = value.get("compute_capability")
    whole = isinstance(pair, list) and len(pair) == 2 and all(type(part) is int for part in pair)
    vram = value.get("vram_bytes")
    flags = value.get("flags")
    return InstallRecord(
        made_here=value.get("made_here") is not False,
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


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        return ()
    return tuple((key, text) for key, text in value.items() if isinstance(key, str) and isinstance(text, str))
