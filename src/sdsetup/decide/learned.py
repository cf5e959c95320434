"""What a machine taught us: settings that a proof on this card corrected, kept for the next run.

A rule chooses by what is known of a kind of card; a proof has seen this one. Another card or driver
makes the lesson void.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sdsetup.decide.facts import Gpu
from sdsetup.decide.shape import OwnFile
from sdsetup.decide.tuning.values import Reason, TorchBuild, Tuning
from sdsetup.text import Text

SCHEMA = "sdsetup.learned/1"
_BUILD = {
    **dict.fromkeys(("family", "torch", "torchvision", "command"), str),
    **dict.fromkeys(("xformers", "index_url"), (str, None)),
    **dict.fromkeys(("download_bytes?", "disk_bytes?"), int),
    "packages?": [str],
}
_LESSON = {
    "because": str,
    "add_flags": [str],
    "drop_flags": [str],
    "torch?": (_BUILD, None),
    "measured?": bool,
}
FILE = OwnFile(schema=SCHEMA, shape={"card": (str, None), "lessons": [_LESSON]})


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One correction: flags to add and to drop, or another torch build, and what was seen.

    `measured`: it comes from a measurement of several settings; a new one takes its place.
    """

    because: str
    add_flags: tuple[str, ...] = ()
    drop_flags: tuple[str, ...] = ()
    torch: TorchBuild | None = None
    measured: bool = False


@dataclass(frozen=True, kw_only=True)
class Learned:
    card: str | None = None
    lessons: tuple[Lesson, ...] = ()

    def plus(self, lesson: Lesson) -> Learned:
        before = self.without_measured() if lesson.measured else self
        return replace(self, lessons=(*before.lessons, lesson))

    def without_measured(self) -> Learned:
        return replace(self, lessons=tuple(one for one in self.lessons if not one.measured))


def card_name(gpu: Gpu | None) -> str | None:
    """What a lesson hangs on: card, memory and driver."""
    if gpu is None:
        return None
    memory = "?" if gpu.vram_bytes is None else f"{gpu.vram_bytes / 2**30:.1f} GiB"
    return f"{gpu.name or gpu.vendor}, {memory}, driver {gpu.driver_version or '?'}"


def apply_lessons(flags: tuple[str, ...], lessons: Iterable[Lesson]) -> tuple[str, ...]:
    """The flags after every lesson, in a stable order and without repeats."""
    for lesson in lessons:
        dropped = {flag.split(" ", 1)[0] for flag in lesson.drop_flags}
        kept = [flag for flag in flags if flag.split(" ", 1)[0] not in dropped]
        flags = (*kept, *(flag for flag in lesson.add_flags if flag not in kept))
    return flags


def with_lessons(tuning: Tuning, learned: Learned) -> Tuning:
    """The tuning corrected by what this very card has shown; unchanged for another card."""
    if not learned.lessons or learned.card != card_name(tuning.gpu):
        return tuning
    flags = apply_lessons(tuning.flags, learned.lessons)
    builds = [lesson.torch for lesson in learned.lessons if lesson.torch is not None]
    reasons = [
        reason for reason in tuning.reasons if reason.setting in flags or not reason.setting.startswith("--")
    ]
    for lesson in learned.lessons:
        settings = [flag for flag in lesson.add_flags if flag in flags] + (["torch"] if lesson.torch else [])
        for setting in settings:
            reasons = [reason for reason in reasons if reason.setting != setting]
            reasons.append(
                Reason(
                    setting=setting,
                    rule="measured" if lesson.measured else "seen-here",
                    because=Text(lesson.because),
                    source="a measurement on this card" if lesson.measured else "a proof on this machine",
                )
            )
    return replace(tuning, flags=flags, torch=builds[-1] if builds else tuning.torch, reasons=tuple(reasons))


def to_json(learned: Learned) -> dict[str, Any]:
    return {"schema": SCHEMA, **asdict(learned)}


def _build(raw: dict[str, Any]) -> TorchBuild:
    known = {field.name: raw[field.name] for field in fields(TorchBuild) if field.name in raw}
    return TorchBuild(**{**known, "packages": tuple(raw.get("packages", ()))})


def from_json(value: Any) -> Learned:
    """Lessons as they were stored: None, or a value that fits `FILE`."""
    if value is None:
        return Learned()
    lessons = tuple(
        Lesson(
            because=raw["because"],
            add_flags=tuple(raw["add_flags"]),
            drop_flags=tuple(raw["drop_flags"]),
            torch=_build(raw["torch"]) if raw.get("torch") else None,
            measured=raw.get("measured", False),
        )
        for raw in value["lessons"]
    )
    return Learned(card=value["card"], lessons=lessons)
