"""Measuring: a real process for each candidate, playing cards; stopped, killed, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from decide.test_measuring_candidates import trial_for
from installations import context, failure_book, gone, installation, play, starts
from sdsetup.catalog.measure import Pictures
from sdsetup.decide.measuring.candidates import Candidate, Measurement, Trial
from sdsetup.decide.measuring.winner import choose, key_for
from sdsetup.errors import SdsetupError
from sdsetup.execute.measuring import Bench, measure, remember, remembered
from sdsetup.execute.measuring.run import patience_after
from sdsetup.execute.webui.painting import Patience
from sdsetup.launchfile import Settings
from sdsetup.machine.answers import CardUse
from sdsetup.text import Text

GIB = 2**30
HERE = Path(__file__).parents[1]
PICTURES = Pictures(width=32, height=32, steps=2, count=1, warm_up=1, seed=7, prompt="a lighthouse")
BOOK = failure_book()


@dataclass
class Gauge:
    """Reads what the stand-in says about its card."""

    root: Path

    def use(self, pid: int | None = None) -> CardUse:
        try:
            return CardUse(**json.loads((self.root / "card.json").read_text(encoding="utf-8")))
        except OSError:
            return CardUse()


@dataclass
class Heard:
    """What was told, in order; `stop_at`: press Ctrl-C when this is told."""

    lines: list[str] = field(default_factory=list)
    stop_at: str = ""

    def began(self, candidate: Candidate, done: Sequence[Measurement]) -> None:
        self._hear(f"began {candidate.name}")

    def doing(self, text: Text) -> None:
        self._hear(str(text))

    def ended(self, measurement: Measurement) -> None:
        self._hear(f"ended {measurement.candidate.name} {measurement.outcome}")

    def _hear(self, line: str) -> None:
        self.lines.append(line)
        if line == self.stop_at:
            raise KeyboardInterrupt


def trial() -> Trial:
    """An RTX 3070: the recommended flags, three other ways of attention, one step safer."""
    return trial_for("NVIDIA GeForce RTX 3070", 8)


def few(*names: str) -> Trial:
    """The same with these ways of attention only."""
    whole = trial()
    kept = tuple(one for one in whole.profile.alternatives if one.name in names)
    return replace(whole, profile=replace(whole.profile, alternatives=kept))


def bench(root: Path, this: Trial, **more: Any) -> Bench:
    ladder = {flag for rungs in this.profile.memory.values() for rung in rungs for flag in rung}
    decided = {flag for one in this.profile.alternatives for flag in one.flags} | ladder
    given: dict[str, Any] = {
        "context": context(root),
        "key": key_for(this.tuning, "abc", PICTURES),
        "pictures": PICTURES,
        "settings": Settings(env=this.tuning.env),
        "decided": tuple(sorted(decided)),
        "book": BOOK,
        "gauge": Gauge(root),
        "told": Heard(),
        "spill_bytes": GIB // 2,
        "unused": this.profile.unused,
    }
    return Bench(**{**given, **more})


def flag_sets(root: Path) -> list[str]:
    sets = []
    for given in starts(root):
        arguments = given["arguments"]
        sets.append(" ".join(arguments[: arguments.index("--api")]))
    return sets


def sd(root: Path, **scenario: Any) -> Path:
    """An installation that starts quickly."""
    return installation(root, **{"linger": 0.1, **scenario})


def all_gone(root: Path) -> bool:
    return all(gone(given["pid"]) for given in starts(root))


def outcomes(done: Sequence[Measurement]) -> dict[str, str]:
    return {one.candidate.name: one.outcome for one in done}


def test_every_candidate_once_and_the_launch_file_as_it_was(tmp_path: Path) -> None:
    root = sd(
        tmp_path / "sd",
        flags="--listen --medvram --ckpt-dir models",
        env={"MINE": "1"},
        seconds=[[["--opt-sdp-attention"], 0.05], [["--xformers"], 0.5], [[], 0.9]],
        card={"total": 8 * GIB, "used": [[["--medvram"], 2 * GIB], [[], 4 * GIB]]},
    )
    before = {path: path.read_bytes() for path in root.glob("webui-user.*")}
    told = Heard()
    this = few("attention-xformers", "attention-sdp")
    done = measure(this, bench(root, this, told=told))
    assert outcomes(done) == {"rule": "good", "attention-sdp": "good", "safer": "good"}
    assert flag_sets(root) == [
        "--ckpt-dir models --xformers --medvram-sdxl",
        "--ckpt-dir models --opt-sdp-attention --medvram-sdxl",
        "--medvram --ckpt-dir models --opt-sdp-attention",
    ]
    assert all(given["env"]["MINE"] == "1" for given in starts(root))
    assert {path: path.read_bytes() for path in root.glob("webui-user.*")} == before
    assert (done[0].card_peak_bytes, done[0].card_total_bytes, done[0].torch_peak_bytes) == (
        4 * GIB, 8 * GIB, 4 * GIB,
    )  # fmt: skip
    assert done[0].spilled_bytes == 0
    # 0.5 s of painting and 0.4 s with the card, for 2 steps; what we read meanwhile does not count
    assert len(done[0].step_seconds) == 1 and done[0].step_seconds[0] >= 0.45
    assert done[1].step_seconds[0] < done[0].step_seconds[0] - 0.1
    verdict = choose(done, this.profile)
    assert verdict is not None and "--opt-sdp-attention" in verdict.winner.candidate.flags
    steps = ["starting the web UI", "loading the model", "image 1 of 2", "image 2 of 2"]
    assert told.lines[:6] == ["began rule", *steps, "ended rule good"]
    assert all_gone(root)


def test_a_flag_that_the_web_ui_could_not_use_gets_no_credit(tmp_path: Path) -> None:
    """As on a card where xformers was not installed: its images were made without it."""
    root = sd(
        tmp_path / "sd",
        unused={"--xformers": "*** Cannot import xformers"},
        seconds=[[["--opt-sdp-attention"], 0.5], [["--xformers"], 0.05], [[], 0.9]],
        card={"total": 8 * GIB, "used": [[["--medvram"], 2 * GIB], [[], 4 * GIB]]},
    )
    this = few("attention-sdp")
    with pytest.raises(SdsetupError) as refused:
        measure(this, bench(root, this))
    assert refused.value.code == "flag-unused"
    assert all_gone(root)
    play(root, linger=0.1, unused={"--opt-sdp-attention": "*** Cannot import xformers"})
    unused = {"--opt-sdp-attention": this.profile.unused["--xformers"]}
    done = measure(this, bench(root, this, unused=unused))
    assert outcomes(done)["rule"] == "good" and outcomes(done)["attention-sdp"] == "failed"
    assert done[1].problem == "the web UI could not use a flag and started without it"


def test_what_fails_is_told_apart(tmp_path: Path) -> None:
    """Black, NaN, out of memory, one that ends at once and one that never becomes ready."""
    root = sd(
        tmp_path / "sd",
        pictures=[[["--opt-sdp-attention"], "black"], [["--opt-sdp-no-mem-attention"], "nan-unet"]],
        starts=[[["--medvram"], "hang"]],
        card={"total": 8 * GIB, "used": [[["--xformers"], 4 * GIB], [["--medvram-sdxl"], 9 * GIB]]},
    )
    this = trial()
    done = measure(this, bench(root, this, patience=Patience(start=4, model=4, picture=30)))
    assert outcomes(done) == {
        "rule": "good",
        "attention-sdp": "out-of-memory",
        "attention-sdp-no-mem": "out-of-memory",
        "attention-own": "out-of-memory",
        "safer": "failed",
    }
    assert done[-1].problem == "not ready after 4 s"
    assert done[1].problem is not None and "memory" in done[1].problem
    assert all_gone(root)


def test_a_black_picture_is_cured_by_more_precision(tmp_path: Path) -> None:
    root = sd(
        tmp_path / "sd",
        pictures=[[["--upcast-sampling"], "noise"], [["--no-half-vae"], "nan-unet"], [[], "black"]],
    )
    this = few()
    done = measure(this, bench(root, this))
    assert [one.outcome for one in done][:3] == ["black", "black", "good"]
    assert done[0].problem == "the image is black"
    assert "--upcast-sampling" in done[2].candidate.flags


def test_what_spills_is_measured_but_does_not_win(tmp_path: Path) -> None:
    root = sd(
        tmp_path / "sd",
        card={
            "total": 8 * GIB,
            "spills": True,
            "used": [[["--opt-sdp-attention", "--medvram-sdxl"], 10 * GIB], [[], 5 * GIB]],
        },
        seconds=[[["--opt-sdp-attention"], 0], [[], 0.3]],
    )
    this = few("attention-sdp")
    done = measure(this, bench(root, this))
    assert {one.candidate.name: one.spilled_bytes for one in done}["attention-sdp"] == 2 * GIB
    verdict = choose(done, this.profile)
    assert verdict is not None
    assert dict(zip([one.candidate.name for one in done], verdict.standings, strict=True))["attention-sdp"] == (
        "spilled"
    )
    assert not verdict.winner.spilled


def test_a_candidate_that_ends_at_once(tmp_path: Path) -> None:
    root = sd(tmp_path / "sd", starts=[[["--opt-sdp-attention"], "silent-exit"]], code=7)
    this = few("attention-sdp")
    done = measure(this, bench(root, this))
    assert outcomes(done)["attention-sdp"] == "failed"
    assert done[1].problem == "the web UI exited with code 7"


def test_ctrl_c_and_on(tmp_path: Path) -> None:
    """Stopped in the middle of the second: the first is remembered, the second begins again."""
    root = sd(tmp_path / "sd", flags="--listen", grandchild=True)
    before = (root / ("webui-user.bat" if os.name == "nt" else "webui-user.sh")).read_bytes()
    this = few("attention-sdp")
    with pytest.raises(KeyboardInterrupt):
        measure(this, bench(root, this, told=Heard(stop_at="began attention-sdp")))
    assert all_gone(root)
    assert gone(starts(root)[0]["grandchild"])
    assert len(remembered(root / ".sdsetup", bench(root, this).key)) == 1
    told = Heard()
    done = measure(this, bench(root, this, told=told))
    assert told.lines[0] == "began attention-sdp"
    assert len(done) == len(starts(root)) == 3
    again = Heard()
    assert measure(this, bench(root, this, told=again)) == done
    assert again.lines == []
    assert (root / ("webui-user.bat" if os.name == "nt" else "webui-user.sh")).read_bytes() == before


KILLED = """
import sys
sys.path[:0] = [{tests!r}, {src!r}]
from execute.test_measuring import bench, few, measure
from pathlib import Path
this = few("attention-sdp")
measure(this, bench(Path({root!r}), this))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_and_on(tmp_path: Path) -> None:
    root = sd(tmp_path / "sd", seconds=[[["--opt-sdp-attention"], 30]])
    program = KILLED.format(tests=str(HERE), src=str(HERE.parent / "src"), root=str(root))
    child = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not ((root / "given.jsonl").exists() and len(starts(root)) == 2):
        time.sleep(0.1)
    time.sleep(1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert all_gone(root), "the web UI must not go on without us"
    play = {"pictures": [[[], "noise"]]}
    (root / "scenario.json").write_text(json.dumps(play), encoding="utf-8")
    this = few("attention-sdp")
    told = Heard()
    done = measure(this, bench(root, this, told=told))
    assert told.lines[0] == "began attention-sdp"
    assert len(done) == 3
    assert len(starts(root)) == 4  # the one that was killed, and two more


def test_another_card_finds_nothing_and_its_own_again(tmp_path: Path) -> None:
    old, new = key_for(trial().tuning, "abc", PICTURES), key_for(trial_for("RTX 3090", 24).tuning, "abc", PICTURES)
    one = Measurement(candidate=Candidate(name="rule", title=Text("x"), flags=()), outcome="black")
    remember(tmp_path, old, [one])
    assert remembered(tmp_path, new) == ()
    remember(tmp_path, new, [one, one])
    assert (len(remembered(tmp_path, old)), len(remembered(tmp_path, new))) == (1, 2)
    remember(tmp_path, new, [one, replace(one, outcome="failed")])
    assert remembered(tmp_path, new) == (), "what could not start at all may be repaired by now"
    (tmp_path / "measured.json").write_text("{", encoding="utf-8")
    assert remembered(tmp_path, old) == ()


def test_once_one_works_nobody_waits_an_hour_for_the_next(tmp_path: Path) -> None:
    this = bench(tmp_path, trial())
    assert patience_after([], this) == this.patience
    good = Measurement(
        candidate=Candidate(name="rule", title=Text("x"), flags=()),
        outcome="good", seconds=60, step_seconds=(50.0,),
    )  # fmt: skip
    given = patience_after([good], this)
    assert (given.start, given.model, given.picture) == (600, 600, 1000)
    assert patience_after([replace(good, step_seconds=(0.1,), seconds=9)], this).picture == 120


def test_without_a_web_ui_it_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SdsetupError) as refused:
        measure(trial(), bench(tmp_path, trial()))
    assert refused.value.code == "webui-missing"


@pytest.mark.skipif(os.name == "nt", reason="webui.settings.bat is tested by its reading")
def test_flags_that_another_file_takes_away_are_not_measured(tmp_path: Path) -> None:
    root = sd(tmp_path / "sd")
    (root / "webui-user.sh").write_text("#!/bin/bash\nexport COMMANDLINE_ARGS=$(cat flags)\n")
    with pytest.raises(SdsetupError) as refused:
        measure(trial(), bench(root, trial()))
    assert refused.value.code == "launch-file-unclear"
    assert not (root / "given.jsonl").exists()
