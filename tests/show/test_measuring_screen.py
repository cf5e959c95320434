"""A measurement under way, as a person and as a program see it."""

from __future__ import annotations

import io

from rich.console import Console

from decide.test_measuring_candidates import trial_for
from sdsetup.decide.measuring.candidates import Measurement, Trial, next_candidate
from sdsetup.decide.measuring.winner import choose, key_for
from sdsetup.machine.answers import CardProgram, CardUse
from sdsetup.show.measured import measure_json
from sdsetup.show.measuring import MeasuringScreen, show_before, show_holders
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.facts import GIB

MIB = 2**20


def paper() -> tuple[io.StringIO, Screen]:
    written = io.StringIO()
    console = Console(file=written, width=80, color_system=None, highlight=False, emoji=False, markup=False)
    return written, Screen(console=console)


def lines(written: io.StringIO) -> list[str]:
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_who_holds_the_card() -> None:
    written, screen = paper()
    programs = (
        CardProgram(pid=1, name="game.exe", bytes=3 * GIB),
        *(CardProgram(pid=n, name=f"tab {n}", bytes=(20 - n) * MIB) for n in range(2, 10)),
        CardProgram(pid=77, name="dwm.exe"),
        CardProgram(pid=78),
    )
    show_holders(CardUse(used=4 * GIB, total=8 * GIB), programs, 0.08, screen)
    assert lines(written) == [
        "! Video memory already in use: 4 GB of 8 GB",
        "    game.exe: 3 GB",
        "    tab 2: 18 MB",
        "    tab 3: 17 MB",
        "    tab 4: 16 MB",
        "    tab 5: 15 MB",
        "    tab 6: 14 MB",
        "    3 more: 36 MB",
        "    Unknown size: dwm.exe, process 78",
        "    Close what you can: it slows down images and leaves less video memory.",
    ]


def test_a_card_that_is_free_and_one_that_cannot_be_asked() -> None:
    written, screen = paper()
    show_holders(CardUse(used=200 * MIB, total=8 * GIB), (), 0.08, screen)
    show_holders(CardUse(), None, 0.08, screen)
    assert lines(written) == [
        "✓ Video memory already in use: 200 MB of 8 GB",
        "Can't tell which other programs use the graphics card.",
    ]


def first(trial: Trial) -> Measurement:
    candidate = next_candidate(trial, ())
    assert candidate is not None
    return Measurement(
        candidate=candidate, outcome="good", step_seconds=(0.125,), seconds=40.0,
        card_peak_bytes=5 * GIB, card_total_bytes=8 * GIB, spilled_bytes=GIB // 2,
    )  # fmt: skip


def test_how_far_it_is() -> None:
    trial = trial_for("NVIDIA GeForce RTX 3070", 8)
    written, screen = paper()
    good = first(trial)
    bad = Measurement(candidate=good.candidate, outcome="out-of-memory", problem="The card's memory ran out")
    show_before(Text("a card"), Text("pictures"), trial, (good,), screen, dir="D")
    with MeasuringScreen(trial, screen) as shown:
        shown.began(good.candidate, ())
        shown.doing(Text("starting the web UI"))
        shown.ended(good)
        shown.ended(bad)
    assert lines(written)[-5:] == [
        "Already measured: 1",
        "Still to measure: about 4, in about 2 min 40 s",
        "  recommended flags ... (about 9 min 00 s left, 5 more to try)",
        "✓ recommended flags: 0.125 s per step, 5 GB, 512 MB spilled",
        "! recommended flags: The card's memory ran out",
    ]


def test_the_document() -> None:
    trial = trial_for("NVIDIA GeForce RTX 3070", 8)
    pictures = trial.profile.pictures_for("cuda", "sd15")
    good = first(trial)
    bad = Measurement(candidate=good.candidate, outcome="black")
    done = (good, bad)
    key = key_for(trial.tuning, "abc", pictures)
    programs = (CardProgram(pid=3, name="game.exe"),)
    verdict = choose(done, trial.profile)
    document = measure_json("D", key, done, verdict, CardUse(used=1, total=2), programs, ["D/webui-user.sh"])
    assert document["schema"] == "sdsetup.measure/1"
    assert document["key"]["commit"] == "abc" and document["key"]["model_class"] == "sd15"
    assert document["before"] == {
        "used_bytes": 1, "total_bytes": 2, "programs": [{"pid": 3, "name": "game.exe", "bytes": None}],
    }  # fmt: skip
    assert [(one["standing"], one["speed"]) for one in document["measurements"]] == [
        ("winner", 0.125),
        ("black", None),
    ]
    assert document["verdict"]["flags"] == list(good.candidate.flags)
    assert document["written"] is True and document["launch_files"] == ["D/webui-user.sh"]
    none = measure_json("D", key, (bad,), None, CardUse(), None, None)
    assert (none["verdict"], none["written"], none["before"]["programs"]) == (None, False, None)
    assert none["measurements"][0]["standing"] == "black"
