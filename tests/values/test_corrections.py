"""Lessons: kept for this very card, applied in order, forgotten when damaged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sdsetup.text import Text
from sdsetup.values.corrections import (
    FILE,
    Correction,
    Corrections,
    apply_corrections,
    card_name,
    from_json,
    to_json,
    with_corrections,
)
from sdsetup.values.facts import Gpu
from sdsetup.values.shape import misfit
from sdsetup.values.tuning import Reason, TorchBuild, Tuning

CARD = Gpu(vendor="nvidia", name="NVIDIA GeForce GTX 1660", vram_bytes=6 * 2**30, driver_version="551.52")
BUILD = TorchBuild(
    family="cu126-2.7",
    torch="2.7.0+cu126",
    torchvision="0.22.0+cu126",
    xformers=None,
    index_url="https://example.org",
    command="pip install torch==2.7.0+cu126",
    packages=("torch==2.7.0+cu126",),
)
TUNING = Tuning(
    profile="current",
    tier="6",
    gpu=CARD,
    flags=("--medvram-sdxl", "--xformers"),
    env=(),
    torch=replace(BUILD, family="cu121-2.1", torch="2.1.2+cu121"),
    reasons=(Reason(setting="--medvram-sdxl", rule="tier-6", because=Text("6 GB"), source="x"),),
)
LEARNED = Corrections(
    card=card_name(CARD),
    corrections=(
        Correction(because=Text("black"), add_flags=("--no-half-vae",)),
        Correction(
            because=Text("memory ran out"), add_flags=("--medvram",), drop_flags=("--medvram-sdxl",), torch=BUILD
        ),
    ),
)


def test_lessons_are_stored_and_come_back_the_same() -> None:
    assert from_json(json.loads(json.dumps(to_json(LEARNED)))) == LEARNED


def test_a_sentence_with_values_comes_back_with_them() -> None:
    """It can be shown in another language than that of the run that learned it."""
    inner = Text.plural("{count} image is black", "{count} images are black", count=2)
    told = Text("The first choice did not work on this graphics card: {why}.", why=inner)
    stored = to_json(Corrections(card=None, corrections=(Correction(because=told),)))
    assert from_json(json.loads(json.dumps(stored))).corrections[0].because == told


@pytest.mark.parametrize(
    "sentence", [None, {}, {"template": "{gone}", "values": {"x": 1}}, {"template": "{", "values": {"x": 1}}]
)
def test_a_damaged_sentence_is_the_english_one(sentence: object) -> None:
    stored = to_json(LEARNED)
    stored["lessons"][0]["sentence"] = sentence
    assert str(from_json(stored).corrections[0].because) == "black"


def test_a_lesson_holds_for_the_card_that_taught_it_and_no_other() -> None:
    tuning = with_corrections(TUNING, LEARNED)
    assert tuning.flags == ("--xformers", "--no-half-vae", "--medvram")
    assert tuning.torch == BUILD
    assert {reason.setting: reason.rule for reason in tuning.reasons} == {
        "--no-half-vae": "seen-here",
        "--medvram": "seen-here",
        "torch": "seen-here",
    }
    updated = replace(TUNING, gpu=replace(CARD, driver_version="580.00"))
    assert with_corrections(updated, LEARNED) == updated
    assert with_corrections(replace(TUNING, gpu=None), LEARNED).flags == TUNING.flags


def test_the_same_lesson_twice_changes_nothing_more() -> None:
    once = apply_corrections(TUNING.flags, LEARNED.corrections)
    assert apply_corrections(once, LEARNED.corrections) == once


def test_lessons_fit_their_declared_shape_and_damaged_ones_do_not() -> None:
    good = json.loads(json.dumps(to_json(LEARNED)))
    assert misfit(good, FILE.shape) is None
    assert from_json(None) == Corrections()
    for damaged in (None, [], {}, {**good, "card": 3}, {**good, "lessons": [{}]}, {**good, "lessons": 3}):
        assert misfit(damaged, FILE.shape) is not None
