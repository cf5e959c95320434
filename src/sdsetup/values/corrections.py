"""What a machine taught us: settings that a proof on this card corrected, kept for the next run.

A rule chooses by what is known of a kind of card; a proof has seen this one. Another card or driver
makes the lesson void.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sdsetup.text import Text, kept, recalled
from sdsetup.values.facts import Gpu
from sdsetup.values.flags import Flag, names_of
from sdsetup.values.shape import OwnFile
from sdsetup.values.tuning import Reason, TorchBuild, Tuning

SCHEMA = "sdsetup.learned/1"
_BUILD = {
    **dict.fromkeys(("family", "torch", "torchvision", "command"), str),
    **dict.fromkeys(("xformers", "index_url"), (str, None)),
    **dict.fromkeys(("download_bytes?", "disk_bytes?"), int),
    "packages?": [str],
}
_LESSON = {
    "because": str,
    "sentence?": (dict, None),  # the same as template and values
    "add_flags": [str],
    "drop_flags": [str],
    "torch?": (_BUILD, None),
    "measured?": bool,
}
FILE = OwnFile(schema=SCHEMA, shape={"card": (str, None), "lessons": [_LESSON]})


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One correction: flags to add and to drop, or another torch build, and what was seen.

    `measured`: it comes from a measurement of several settings; a new one takes its place.
    """

    because: Text
    add_flags: tuple[str, ...] = ()
    drop_flags: tuple[str, ...] = ()
    torch: TorchBuild | None = None
    measured: bool = False


@dataclass(frozen=True, kw_only=True)
class Corrections:
    card: str | None = None
    corrections: tuple[Correction, ...] = ()

    def plus(self, correction: Correction) -> Corrections:
        before = self.without_measured() if correction.measured else self
        return replace(self, corrections=(*before.corrections, correction))

    def without_measured(self) -> Corrections:
        return replace(self, corrections=tuple(one for one in self.corrections if not one.measured))


def card_name(gpu: Gpu | None) -> str | None:
    """What a lesson hangs on: card, memory and driver."""
    if gpu is None:
        return None
    memory = "?" if gpu.vram_bytes is None else f"{gpu.vram_bytes / 2**30:.1f} GiB"
    return f"{gpu.name or gpu.vendor}, {memory}, driver {gpu.driver_version or '?'}"


def apply_corrections(flags: tuple[str, ...], corrections: Iterable[Correction]) -> tuple[str, ...]:
    """The flags after every lesson, in a stable order and without repeats."""
    for correction in corrections:
        dropped = names_of(correction.drop_flags)
        kept = [flag for flag in flags if Flag.parse(flag).name not in dropped]
        flags = (*kept, *(flag for flag in correction.add_flags if flag not in kept))
    return flags


def with_corrections(tuning: Tuning, learned: Corrections) -> Tuning:
    """The tuning corrected by what this very card has shown; unchanged for another card."""
    if not learned.corrections or learned.card != card_name(tuning.gpu):
        return tuning
    flags = apply_corrections(tuning.flags, learned.corrections)
    builds = [correction.torch for correction in learned.corrections if correction.torch is not None]
    reasons = [
        reason for reason in tuning.reasons if reason.setting in flags or not reason.setting.startswith("--")
    ]
    for correction in learned.corrections:
        settings = [flag for flag in correction.add_flags if flag in flags] + (
            ["torch"] if correction.torch else []
        )
        for setting in settings:
            reasons = [reason for reason in reasons if reason.setting != setting]
            reasons.append(
                Reason(
                    setting=setting,
                    rule="measured" if correction.measured else "seen-here",
                    because=correction.because,
                    source="a measurement on this card" if correction.measured else "a proof on this machine",
                )
            )
    return replace(tuning, flags=flags, torch=builds[-1] if builds else tuning.torch, reasons=tuple(reasons))


def to_json(learned: Corrections) -> dict[str, Any]:
    lessons = [
        {**asdict(replace(one, because=Text(""))), "because": str(one.because), "sentence": kept(one.because)}
        for one in learned.corrections
    ]
    return {"schema": SCHEMA, "card": learned.card, "lessons": lessons}


def _build(raw: dict[str, Any]) -> TorchBuild:
    known = {field.name: raw[field.name] for field in fields(TorchBuild) if field.name in raw}
    return TorchBuild(**{**known, "packages": tuple(raw.get("packages", ()))})


def from_json(value: Any) -> Corrections:
    """Lessons as they were stored: None, or a value that fits `FILE`."""
    if value is None:
        return Corrections()
    corrections = tuple(
        Correction(
            because=recalled(raw.get("sentence")) or Text("{said}", said=raw["because"]),
            add_flags=tuple(raw["add_flags"]),
            drop_flags=tuple(raw["drop_flags"]),
            torch=_build(raw["torch"]) if raw.get("torch") else None,
            measured=raw.get("measured", False),
        )
        for raw in value["lessons"]
    )
    return Corrections(card=value["card"], corrections=corrections)
