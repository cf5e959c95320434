"""What an installation was made for: written, read, compared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.decide.record import changed, of_card, of_launch_file, record_of, same_name
from sdsetup.values.facts import GIB, Facts, Gpu, Installation, System
from sdsetup.values.install_record import InstallRecord, from_json, to_json
from sdsetup.values.tuning import TorchBuild, Tuning

CARD = Gpu(
    vendor="nvidia",
    name="NVIDIA GeForce GTX 1660",
    vram_bytes=6 * GIB,
    compute_capability=(7, 5),
    driver_version="551.52",
)
TORCH = TorchBuild(
    family="cu121-2.1",
    torch="2.1.2+cu121",
    torchvision="0.16.2",
    xformers=None,
    index_url=None,
    command="pip install torch",
)
TUNING = Tuning(
    profile="current", tier="6", gpu=CARD, flags=("--xformers", "--use-cpu all"), env=(("A", "1"),), torch=TORCH
)
FACTS = Facts(system=System(family="windows"), gpus=(CARD,), installation=Installation(torch="2.1.2+cu121"))
THEN = record_of(FACTS, TUNING, {"sdsetup": "0.1.0", "webui": "82a973c"})


def test_what_is_remembered() -> None:
    assert (
        InstallRecord(
            card="NVIDIA GeForce GTX 1660",
            compute_capability=(7, 5),
            vram_bytes=6 * GIB,
            driver="551.52",
            torch="2.1.2+cu121",
            profile="current",
            flags=("--xformers", "--use-cpu all"),
            env=(("A", "1"),),
            versions=(("sdsetup", "0.1.0"), ("webui", "82a973c")),
        )
        == THEN
    )
    # Whatever was chosen, the one that is there counts.
    there = replace(FACTS, installation=Installation(torch="2.7.0+cu128"))
    assert record_of(there, TUNING).torch == "2.7.0+cu128"
    assert record_of(replace(FACTS, installation=None), TUNING).torch is None
    assert record_of(FACTS, replace(TUNING, gpu=None)).card is None


def test_of_somebody_elses_web_ui_no_card_is_invented() -> None:
    there = Installation(torch="2.0.1+cu118", commit="a" * 40)
    told = of_launch_file(None, there, TUNING, {"webui": "a" * 40})
    assert (told.card, told.vram_bytes, told.driver, told.torch) == (None, None, None, "2.0.1+cu118")
    assert (told.flags, dict(told.versions)["webui"]) == (TUNING.flags, "a" * 40)
    again = from_json(to_json(told))
    assert again == told
    assert changed(told, of_card(CARD)) == ()  # not "made for the processor": nobody knows
    assert of_launch_file(THEN, there, TUNING, {}) == THEN


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, []),
        ({"name": "NVIDIA GeForce RTX 5070", "compute_capability": (12, 0), "vram_bytes": 12 * GIB}, ["card"]),
        ({"name": "GeForce GTX 1660"}, []),
        ({"name": "nvidia geforce gtx 1660"}, []),
        ({"vram_bytes": 6 * GIB - 4 * 2**20}, []),
        ({"vram_bytes": 3 * GIB}, ["vram"]),
        ({"vram_bytes": None}, []),
        ({"compute_capability": None}, []),
        ({"driver_version": "566.36"}, ["driver"]),
        ({"name": None}, []),
    ],
)
def test_what_has_changed(change: dict[str, Any], what: list[str]) -> None:
    assert [found.what for found in changed(THEN, of_card(replace(CARD, **change)))] == what


def test_a_change_tells_both_sides() -> None:
    (found,) = changed(THEN, replace(THEN, torch="2.7.0+cu128"))
    assert (found.what, found.before, found.after) == ("torch", "2.1.2+cu121", "2.7.0+cu128")


def test_settings_and_versions_are_compared_between_installations_only() -> None:
    other = replace(THEN, flags=("--medvram",), versions=(("sdsetup", "0.2.0"), ("webui", "82a973c")))
    assert [found.what for found in changed(THEN, other)] == ["settings", "version"]
    assert changed(THEN, replace(of_card(CARD), flags=("--medvram",))) == ()


def test_names() -> None:
    assert same_name("NVIDIA GeForce RTX 3060", "GeForce RTX 3060")
    assert not same_name("GeForce RTX 3060", "GeForce RTX 3060 Ti")
    assert not same_name(None, None)


def test_there_and_back() -> None:
    assert from_json(json.loads(json.dumps(to_json(THEN)))) == THEN
    assert from_json(to_json(InstallRecord())) == InstallRecord()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    value=JSON,
    fields=st.dictionaries(st.sampled_from([*to_json(InstallRecord()), "extra"]), JSON, max_size=6),
    marked=st.booleans(),
)
def test_a_damaged_memory_is_lost_and_nothing_else(value: Any, fields: dict[str, Any], marked: bool) -> None:
    assert from_json(value) is None or isinstance(value, dict)
    found = from_json({**fields, "schema": "sdsetup.machine/1"} if marked else fields)
    if found is not None:
        assert from_json(to_json(found)) == found
