"""The screen of a measurement."""

from __future__ import annotations

import io

from rich.console import Console

from sdsetup.decide.measuring.candidates import Candidate, Measurement
from sdsetup.decide.measuring.winner import MeasuringResult
from sdsetup.show.measured import show_measured, time_left
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.facts import GIB


def one(
    name: str, flags: str, outcome: str = "good", speed: float = 0.1, peak: float = 4, **more: int
) -> Measurement:
    return Measurement(
        candidate=Candidate(name=name, title=Text(name), flags=tuple(flags.split())),
        outcome=outcome,  # type: ignore[arg-type]
        step_seconds=(speed,) if outcome == "good" else (),
        card_peak_bytes=round(peak * GIB),
        card_total_bytes=8 * GIB,
    )


def drawn(done: list[Measurement], verdict: MeasuringResult | None) -> list[str]:
    written = io.StringIO()
    console = Console(file=written, width=80, color_system=None, highlight=False, emoji=False, markup=False)
    show_measured(done, verdict, Screen(console=console))
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_a_table_bars_and_the_verdict() -> None:
    done = [
        one("recommended flags", "--xformers --medvram", speed=0.13),
        one("PyTorch's attention", "--opt-sdp-attention --medvram", "black"),
        one("saves less memory", "--xformers --medvram-sdxl", peak=6.1),
        one("the web UI's own attention", "--medvram", "out-of-memory", peak=8),
    ]
    verdict = MeasuringResult(
        winner=done[2], standings=("slower", "black", "winner", "out-of-memory"),
        because=Text("Measured on this PC: 0.1 s per step, 30% faster than the recommended flags"),
    )  # fmt: skip
    assert drawn(done, verdict) == [
        "Tried                          s/step         memory  Result",
        "recommended flags                0.13  4.0 of 8.0 GB  slower",
        "--xformers --medvram",
        "PyTorch's attention                 -  4.0 of 8.0 GB  black images",
        "--opt-sdp-attention --medvram",
        "saves less memory                 0.1  6.1 of 8.0 GB  fastest that fits",
        "--xformers --medvram-sdxl",
        "the web UI's own attention          -  8.0 of 8.0 GB  out of memory",
        "--medvram",
        "",
        "recommended flags                   ██████████████████ 7.69 steps/s",
        "saves less memory                   ████████████████████████ 10 steps/s",
        "",
        "Measured on this PC: 0.1 s per step, 30% faster than the recommended flags.",
        "Flags: --xformers --medvram-sdxl",
    ]


def test_nothing_worked() -> None:
    done = [one("rule", "", "out-of-memory"), one("safer", "--medvram", "failed")]
    assert drawn(done, None) == [
        "✗ None of these settings works on this card",
        "  no flags: out of memory",
        "  --medvram: didn't work",
    ]


def test_time_left() -> None:
    assert str(time_left(270, 3)) == "about 4 min 30 s left, 3 more to try"
