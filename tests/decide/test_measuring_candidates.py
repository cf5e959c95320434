"""What is tried on a card, what wins, and what is remembered, on cards that are played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.tuning_machines import gpu
from decide.tuning_tables import known, rules, tuned
from sdsetup.catalog.failures import parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.catalog.measure import MeasureProfile, parse_measure
from sdsetup.catalog.reading import ProfileError
from sdsetup.decide.measuring.candidates import (
    Candidate,
    Measurement,
    Trial,
    expected,
    next_candidate,
    seconds_left,
    step_down,
    with_flags,
)
from sdsetup.decide.measuring.winner import choose, from_json, key_for, to_json, with_measured
from sdsetup.decide.tuning.engine import situation
from sdsetup.text import Number, Text
from sdsetup.values.facts import GIB, Facts, System


def measure() -> MeasureProfile:
    return parse_measure(Profiles().raw("measure"), "measure.toml", known())


def trial_for(name: str | None, vram: float | None, *, os: str = "windows", model: str = "sd15") -> Trial:
    cards = () if name is None else (gpu(name, vram),)
    facts = Facts(system=System(family=os, arch="x86_64"), gpus=cards)  # type: ignore[arg-type]
    book = parse_failures(Profiles().raw("failures"), "failures.toml")
    return Trial(
        tuning=tuned(facts, model_class=model),
        case=situation(facts, rules(), model_class=model),  # type: ignore[arg-type]
        profile=measure(),
        known=known(),
        safer=lambda tuning, cause: step_down(tuning, cause, book),
    )


@dataclass(frozen=True, kw_only=True)
class Card:
    """A card that is played: GiB of memory, what a model needs on it, and what makes it slow."""

    memory: float
    model: float = 3.5
    black_in_half: bool = False
    spills: bool = False
    attention: tuple[str, ...] = ("--xformers", "--opt-sdp-attention")

    def run(self, candidate: Candidate) -> Measurement:
        flags = candidate.flags
        need, speed = self.model, 0.10
        if "--medvram" in flags:
            need, speed = need * 0.5, speed * 1.3
        if "--lowvram" in flags:
            need, speed = need * 0.2, speed * 4
        if "--no-half" in flags:
            need, speed = need * 2, speed * 1.5
        rank = next((n for n, flag in enumerate(self.attention) if flag in flags), 3)
        speed, need = speed * (1 + 0.2 * rank), need + 0.4 * rank
        total, peak = round(self.memory * GIB), round(min(need, self.memory) * GIB)
        told: dict[str, Any] = {
            "candidate": candidate,
            "seconds": 60.0,
            "card_total_bytes": total,
            "card_peak_bytes": peak,
        }
        if self.black_in_half and not {"--no-half", "--upcast-sampling"} & set(flags):
            return Measurement(outcome="black", **told)
        if need > self.memory and not self.spills:
            return Measurement(outcome="out-of-memory", **told)
        if need > self.memory:
            told["spilled_bytes"] = round((need - self.memory) * GIB)
            speed *= 6
        return Measurement(outcome="good", step_seconds=(speed, speed * 1.01, speed * 1.2), **told)


def played(trial: Trial, card: Card) -> list[Measurement]:
    done: list[Measurement] = []
    while (candidate := next_candidate(trial, done)) is not None:
        done.append(card.run(candidate))
        assert len(done) < 20, "it must end"
    return done


def flags_of(done: Sequence[Measurement]) -> dict[str, str]:
    return {one.candidate.name: " ".join(one.candidate.flags) for one in done}


def winner(done: Sequence[Measurement]) -> Measurement:
    verdict = choose(done, measure())
    assert verdict is not None
    return verdict.winner


def test_what_is_tried_on_a_usual_card() -> None:
    done = played(trial_for("NVIDIA GeForce RTX 3070", 8), Card(memory=8))
    assert flags_of(done) == {
        "rule": "--xformers --medvram-sdxl",
        "attention-sdp": "--opt-sdp-attention --medvram-sdxl",
        "attention-sdp-no-mem": "--opt-sdp-no-mem-attention --medvram-sdxl",
        "attention-own": "--medvram-sdxl",
        "safer": "--xformers --medvram",
    }
    assert winner(done).candidate.name == "rule"


def test_one_step_faster_where_the_rules_were_careful() -> None:
    done = played(trial_for("NVIDIA GeForce RTX 2060", 6), Card(memory=6))
    tried = flags_of(done)
    assert tried["faster"] == "--xformers --medvram-sdxl" and tried["safer"] == "--xformers --lowvram"
    verdict = choose(done, measure())
    assert verdict is not None and verdict.winner.candidate.name == "faster"
    assert str(verdict.because) == "Measured on this PC: 0.101 s per step, 30% faster than the recommended flags"
    assert isinstance(verdict.because.values["seconds"], Number)  # another language has another decimal mark
    assert verdict.standings == ("slower",) * 3 + ("winner", "slower")


def test_the_tiers_are_tried_with_the_best_attention() -> None:
    card = Card(memory=6, attention=("--opt-sdp-attention", "--xformers"))
    done = played(trial_for("NVIDIA GeForce RTX 2060", 6), card)
    assert flags_of(done)["faster"] == "--opt-sdp-attention --medvram-sdxl"
    assert winner(done).candidate.flags == ("--opt-sdp-attention", "--medvram-sdxl")


def test_out_of_memory_goes_down_until_it_works() -> None:
    done = played(trial_for("NVIDIA GeForce RTX 3070", 8, model="sdxl"), Card(memory=8, model=30))
    assert [one.outcome for one in done[:3]] == ["out-of-memory", "out-of-memory", "good"]
    assert "--lowvram" in done[2].candidate.flags
    assert not any("--medvram" in one.candidate.flags for one in done[3:])
    assert "--lowvram" in winner(done).candidate.flags
    assert "the recommended flags didn't work" in str(choose(done, measure()).because)  # type: ignore[union-attr]


def test_black_pictures_get_a_better_precision_and_keep_it() -> None:
    done = played(trial_for("NVIDIA GeForce RTX 3060", 12), Card(memory=12, black_in_half=True))
    assert done[0].outcome == "black"
    assert all({"--upcast-sampling", "--no-half"} & set(one.candidate.flags) for one in done if one.good)
    assert {"--upcast-sampling", "--no-half"} & set(winner(done).candidate.flags)


def test_what_spills_into_system_memory_does_not_win() -> None:
    done = played(trial_for("NVIDIA GeForce RTX 2060", 6), Card(memory=3, spills=True))
    spilled = {one.candidate.name: one.spilled for one in done}
    assert spilled["faster"] and not spilled["rule"]
    assert not winner(done).spilled
    verdict = choose(done, measure())
    assert verdict is not None and "spilled" in verdict.standings


def test_a_margin_is_kept() -> None:
    done = played(trial_for("NVIDIA GeForce RTX 2060", 6), Card(memory=3.6))
    names = {one.candidate.name: one for one in done}
    assert names["faster"].good and names["faster"].fits(0.08) is False
    assert winner(done).candidate.name == "rule"
    assert choose(done, measure()).standings[len(done) - 2] == "tight"  # type: ignore[union-attr]


def test_nothing_works() -> None:
    trial = trial_for("NVIDIA GeForce RTX 3060", 12)
    done = played(trial, Card(memory=0.1))
    assert {one.outcome for one in done} == {"out-of-memory"}
    assert choose(done, measure()) is None
    first = next_candidate(trial, [])
    assert first is not None
    assert next_candidate(trial, [Measurement(candidate=first, outcome="failed", problem="it ended")]) is None


def test_within_the_noise_the_rules_choice_stays() -> None:
    def one(name: str, speed: float, peak: float) -> Measurement:
        return Measurement(
            candidate=Candidate(name=name, title=Text(name), flags=(name,)), outcome="good", step_seconds=(speed,),
            card_peak_bytes=round(peak * GIB), card_total_bytes=8 * GIB,
        )  # fmt: skip

    assert winner([one("rule", 0.1, 5), one("other", 0.098, 4)]).candidate.name == "rule"
    assert winner([one("rule", 0.1, 5), one("other", 0.09, 4)]).candidate.name == "other"
    assert winner([one("rule", 0.2, 5), one("a", 0.1, 5), one("b", 0.101, 4)]).candidate.name == "b"


def test_on_the_processor_only_ways_of_attention_are_tried() -> None:
    trial = trial_for(None, None, os="linux")
    done = played(trial, Card(memory=100))
    assert list(flags_of(done)) == ["rule", "attention-sdp", "attention-sub-quad"]
    assert all("--use-cpu all" in one.candidate.flags for one in done)
    assert trial.profile.pictures_for("cpu", "sd15").width == 256


def test_new_and_old_generations_get_no_xformers() -> None:
    for name in ("NVIDIA GeForce RTX 5070", "NVIDIA GeForce GTX 980 Ti"):
        done = played(trial_for(name, 12), Card(memory=12))
        assert not any("--xformers" in one.candidate.flags for one in done)


def test_cards_with_slow_half_precision_try_the_other_way() -> None:
    done = played(trial_for("NVIDIA GeForce GTX 1070", 8), Card(memory=8))
    assert flags_of(done)["precision-upcast"] == "--xformers --medvram-sdxl --upcast-sampling --no-half-vae"


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([card.name for card in rules().gpus.cards if card.vendor in ("nvidia", "amd")]),
    st.sampled_from([2.0, 4.0, 6.0, 8.0, 12.0, 24.0]),
    st.sampled_from(["sd15", "sdxl"]),
    st.builds(
        Card,
        memory=st.floats(0.5, 30),
        model=st.floats(0.5, 30),
        black_in_half=st.booleans(),
        spills=st.booleans(),
    ),
)
def test_it_always_ends_tries_nothing_twice_and_wins_with_what_worked(
    name: str, vram: float, model: str, card: Card
) -> None:
    trial = trial_for(name, vram, os="linux", model=model)
    done = played(trial, card)
    assert len({frozenset(one.candidate.flags) for one in done}) == len(done)
    assert len({one.candidate.name for one in done}) == len(done)
    assert done[0].candidate.flags == trial.tuning.flags
    for one in done:
        tuning = replace(trial.tuning, flags=one.candidate.flags)
        assert not any(known().exclude(a, b) for n, a in enumerate(tuning.flags) for b in tuning.flags[n + 1 :])
    verdict = choose(done, trial.profile)
    assert (verdict is not None) == any(one.good for one in done)
    if verdict is not None:
        assert verdict.winner.good
        assert verdict.standings.count("winner") == 1
        if any(one.good and one.fits(trial.profile.margin) for one in done):
            assert verdict.winner.fits(trial.profile.margin)


def test_time_left_follows_what_was_seen() -> None:
    trial = trial_for("NVIDIA GeForce RTX 2060", 6)
    assert expected(trial, []) == 5
    assert seconds_left(trial, []) == 5 * trial.profile.guess_seconds
    first = next_candidate(trial, [])
    assert first is not None
    done = [replace(Card(memory=6).run(first), seconds=30.0)]
    assert seconds_left(trial, done) == 4 * 30
    assert seconds_left(trial, done, into_this=1000) == 0
    assert expected(trial, played(trial, Card(memory=6))) == 0


def test_the_launch_file_says_that_it_was_measured() -> None:
    trial = trial_for("NVIDIA GeForce RTX 2060", 6)
    done = played(trial, Card(memory=6))
    verdict = choose(done, measure())
    assert verdict is not None
    tuning = with_measured(trial.tuning, verdict)
    assert tuning.flags == ("--xformers", "--medvram-sdxl")
    reasons = {reason.setting: reason.rule for reason in tuning.reasons}
    assert reasons["--medvram-sdxl"] == "measured" and reasons["--xformers"] == "attention-xformers"
    assert "--medvram" not in reasons
    assert [reason.setting for reason in tuning.omitted if reason.rule == "measured"] == ["--medvram"]


def test_results_are_remembered_for_this_card_only() -> None:
    trial = trial_for("NVIDIA GeForce RTX 2060", 6)
    pictures = trial.profile.pictures_for("cuda", "sd15")
    done = tuple(played(trial, Card(memory=6)))
    key = key_for(trial.tuning, "82a973c", pictures)
    assert from_json(to_json(key, done), key) == done
    for other in (
        replace(key, driver="591.86"),
        replace(key, card="NVIDIA GeForce RTX 5070"),
        replace(key, torch="2.7.0+cu128"),
        replace(key, commit="0000000"),
        key_for(trial.tuning, "82a973c", replace(pictures, steps=30)),
    ):
        assert from_json(to_json(key, done), other) == ()
    broken = to_json(key, done)
    broken["measurements"][0]["outcome"] = "nice"
    assert from_json(broken, key) == from_json(None, key) == from_json({"schema": "x"}, key) == ()


def test_flags_of_one_decision_are_replaced_where_they_stood() -> None:
    tuning = trial_for("NVIDIA GeForce GTX 1070", 8).tuning
    assert with_flags(tuning, "attention", ["--opt-sdp-attention"], known()) == (
        "--opt-sdp-attention", "--medvram-sdxl", "--no-half-vae",
    )  # fmt: skip
    assert with_flags(tuning, "attention", [], known()) == ("--medvram-sdxl", "--no-half-vae")
    assert with_flags(tuning, "precision", ["--no-half"], known()) == ("--xformers", "--medvram-sdxl", "--no-half")


def test_a_profile_with_mistakes() -> None:
    raw = Profiles().raw("measure")
    raw["margin"] = 8
    raw["pictures"]["sd15"] = {**raw["pictures"]["sd15"], "width": 500, "count": 0}
    raw["alternatives"]["attention-sdp"] = {**raw["alternatives"]["attention-sdp"], "flags": ["--opt-spd"]}
    raw["memory"]["sd15"] = ["--medvarm"]
    with pytest.raises(ProfileError) as caught:
        parse_measure(raw, "measure.toml", known())
    assert caught.value.problems == (
        "measure.toml: margin: must be a fraction: 0.08 for 8%",
        "measure.toml: pictures.sd15.width: must be a multiple of 8",
        "measure.toml: pictures.sd15.count: must be at least 1",
        "measure.toml: alternatives.attention-sdp.flags: '--opt-spd' is not a known flag",
        "measure.toml: memory.sd15: '--medvarm' is not a known flag",
    )


def test_the_peak_is_the_higher_of_what_card_and_pytorch_tell() -> None:
    # Seen on an H200: the card, looked at four times a second, never showed what PyTorch had noted.
    candidate = Candidate(name="rule", title=Text("recommended flags"), flags=())
    seen = Measurement(
        candidate=candidate, outcome="good", card_peak_bytes=3_403_000_000, torch_peak_bytes=3_447_000_000
    )
    assert seen.peak_bytes == 3_447_000_000
    assert replace(seen, torch_peak_bytes=None).peak_bytes == 3_403_000_000
    assert replace(seen, card_peak_bytes=None).peak_bytes == 3_447_000_000
    assert replace(seen, card_total_bytes=3_420_000_000).fits(0.0) is False
