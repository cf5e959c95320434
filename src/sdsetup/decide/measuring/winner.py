"""The winner of a measurement, and how it is remembered for this card, driver, PyTorch, and web UI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sdsetup.catalog.measure import MeasureProfile, Pictures
from sdsetup.decide.measuring.candidates import Candidate, Measurement
from sdsetup.text import Number, Text
from sdsetup.values.tuning import Reason, Tuning

SCHEMA = "sdsetup.measured/1"
Standing = Literal["winner", "slower", "tight", "spilled", "black", "out-of-memory", "failed"]


@dataclass(frozen=True, kw_only=True)
class MeasuringResult:
    """`standings[n]` belongs to measurement n. `because` says in one sentence why the winner won."""

    winner: Measurement
    standings: tuple[Standing, ...]
    because: Text


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a measurement applies to: another card, driver, PyTorch, web UI, or image invalidates it."""

    card: str
    driver: str | None
    torch: str | None
    commit: str | None
    model_class: str
    pictures: str


def key_for(tuning: Tuning, commit: str | None, pictures: Pictures) -> Key:
    gpu = tuning.gpu
    memory = f", {gpu.vram_bytes} bytes" if gpu and gpu.vram_bytes else ""
    return Key(
        card=f"{gpu.name or gpu.vendor}{memory}" if gpu else "processor",
        driver=gpu.driver_version if gpu else None,
        torch=tuning.torch.torch if tuning.torch else None,
        commit=commit,
        model_class=tuning.model_class,
        pictures=f"{pictures.width}x{pictures.height}, {pictures.steps} steps, {pictures.count}",
    )


def choose(done: Sequence[Measurement], profile: MeasureProfile) -> MeasuringResult | None:
    """The fastest that fits with a margin; None when nothing worked.

    Speeds within the noise count as equal: then the recommended flags win, else the ones with the lower peak.
    If nothing leaves the margin, the one that leaves most wins; one that spilled comes last.
    """
    good = [one for one in done if one.good]
    if not good:
        return None
    roomy = [one for one in good if one.fits(profile.margin) is not False]
    if roomy:
        winner = _fastest_of(roomy, profile.noise)
    else:
        winner = min(good, key=lambda one: (one.spilled, _peak(one), one.speed or 0.0))
    standings = tuple(_standing(one, winner, profile) for one in done)
    return MeasuringResult(winner=winner, standings=standings, because=_because(winner, done, profile))


def with_measured(tuning: Tuning, verdict: MeasuringResult) -> Tuning:
    """The tuning with the winner's flags; the reason of every new flag is the measurement."""
    flags = verdict.winner.candidate.flags
    kept = [reason for reason in tuning.reasons if reason.setting in flags or not reason.setting.startswith("--")]
    fresh = [
        Reason(setting=flag, rule="measured", because=verdict.because, source="a measurement on this card")
        for flag in flags
        if flag not in tuning.flags
    ]
    gone = [
        Reason(setting=flag, rule="measured", because=verdict.because, source="a measurement on this card")
        for flag in tuning.flags
        if flag not in flags
    ]
    return replace(tuning, flags=flags, reasons=(*kept, *fresh), omitted=(*tuning.omitted, *gone))


def to_json(key: Key, done: Sequence[Measurement]) -> dict[str, Any]:
    """What is remembered, and what the journal keeps beside the launch file."""
    return {
        "schema": SCHEMA,
        "key": vars(key),
        "measurements": [
            {
                "name": one.candidate.name,
                "title": str(one.candidate.title),
                "flags": list(one.candidate.flags),
                "outcome": one.outcome,
                "step_seconds": list(one.step_seconds),
                "seconds": one.seconds,
                "torch_peak_bytes": one.torch_peak_bytes,
                "card_peak_bytes": one.card_peak_bytes,
                "card_total_bytes": one.card_total_bytes,
                "spilled_bytes": one.spilled_bytes,
                "problem": one.problem,
            }
            for one in done
        ],
    }


def from_json(value: Any, key: Key) -> tuple[Measurement, ...]:
    """Earlier measurements with the same key; nothing when they are for another card or can't be read."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("key") != vars(key):
        return ()
    try:
        return tuple(_measurement(entry) for entry in value["measurements"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return ()


def _measurement(entry: dict[str, Any]) -> Measurement:
    if entry["outcome"] not in ("good", "black", "out-of-memory", "failed"):
        raise ValueError(entry["outcome"])
    return Measurement(
        candidate=Candidate(
            name=str(entry["name"]), title=Text(str(entry["title"])), flags=tuple(map(str, entry["flags"]))
        ),
        outcome=entry["outcome"],
        step_seconds=tuple(float(seconds) for seconds in entry["step_seconds"]),
        seconds=_number(entry["seconds"]),
        torch_peak_bytes=_whole(entry["torch_peak_bytes"]),
        card_peak_bytes=_whole(entry["card_peak_bytes"]),
        card_total_bytes=_whole(entry["card_total_bytes"]),
        spilled_bytes=_whole(entry["spilled_bytes"]),
        problem=None if entry["problem"] is None else str(entry["problem"]),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _fastest_of(roomy: Sequence[Measurement], noise: float) -> Measurement:
    best = min(one.speed or 0.0 for one in roomy)
    equal = [one for one in roomy if (one.speed or 0.0) <= best * (1 + noise)]
    return min(equal, key=lambda one: (one.candidate.name != "rule", _peak(one), one.speed or 0.0))


def _peak(one: Measurement) -> float:
    return float("inf") if one.peak_bytes is None else one.peak_bytes


def _standing(one: Measurement, winner: Measurement, profile: MeasureProfile) -> Standing:
    if one is winner:
        return "winner"
    if not one.good:
        return "failed" if one.outcome == "good" else one.outcome
    if one.spilled:
        return "spilled"
    return "tight" if one.fits(profile.margin) is False else "slower"


def _because(winner: Measurement, done: Sequence[Measurement], profile: MeasureProfile) -> Text:
    assert winner.speed is not None
    rule = next((one for one in done if one.candidate.name == "rule"), None)
    seconds = Number(f"{winner.speed:.3g}")
    if winner.fits(profile.margin) is False:
        return Text(
            "Measured on this PC: {seconds} s per step; no other working choice leaves more memory",
            seconds=seconds,
        )
    if rule is winner:
        return Text("Measured on this PC: {seconds} s per step, the fastest that fits", seconds=seconds)
    if rule is None or rule.speed is None:
        return Text(
            "Measured on this PC: {seconds} s per step; the recommended flags didn't work", seconds=seconds
        )
    if rule.fits(profile.margin) is False:
        return Text(
            "Measured on this PC: {seconds} s per step; the recommended flags left too little memory",
            seconds=seconds,
        )
    return Text(
        "Measured on this PC: {seconds} s per step, {gain}% faster than the recommended flags",
        seconds=seconds,
        gain=round((rule.speed / winner.speed - 1) * 100),
    )
