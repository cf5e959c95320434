"""Facts on their way to a helper and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdsetup.errors import SdsetupError
from sdsetup.values.facts import Facts, Gpu, Python, System
from sdsetup.values.facts_json import facts_from_json, machine_json

FACTS = Facts(
    system=System(family="windows", groups=("a",)),
    gpus=(Gpu(vendor="nvidia", name="X", compute_capability=(8, 6)),),
    pythons=(Python(path="p", version=(3, 10, 11)),),
    unknown={"port": "timed out"},
    probe_seconds={"port": 1.5},
)


def test_versions_are_text_and_unknown_is_null() -> None:
    value = machine_json(FACTS)
    assert value["gpus"][0]["compute_capability"] == "8.6"
    assert value["gpus"][0]["vram_bytes"] is None
    assert value["pythons"][0]["version"] == "3.10.11"
    assert value["git"] is None


@pytest.mark.parametrize("wrapped", [lambda m: m, lambda m: {"machine": m}, lambda m: {"schema": "x", "facts": m}])
def test_any_of_our_documents_is_read(wrapped: Any) -> None:
    assert facts_from_json(json.loads(json.dumps(wrapped(machine_json(FACTS))))) == FACTS


def test_what_is_missing_is_unknown_and_what_nobody_knows_is_left_out() -> None:
    facts = facts_from_json(
        {"system": {"family": "linux", "colour": "blue"}, "gpus": [{"vendor": "amd"}], "weather": 1}
    )
    assert facts == Facts(system=System(family="linux"), gpus=(Gpu(vendor="amd", name=None),))


def test_every_value_that_cannot_be_meant_is_named() -> None:
    document = {
        "system": {"family": "amiga", "bits": "64"},
        "gpus": [{"vendor": "nvidia", "vram_bytes": "8 GB", "compute_capability": "eight"}, 3],
        "pythons": {},
        "unknown": {"a": 1},
    }
    with pytest.raises(SdsetupError) as caught:
        facts_from_json(document)
    said = str(caught.value)
    for place in (
        "system.family",
        "system.bits",
        "gpus[0].vram_bytes",
        "gpus[0].compute_capability",
        "gpus[1]",
        "pythons",
        "unknown.a",
    ):
        assert place in said
    assert caught.value.code == "facts-invalid"


@pytest.mark.parametrize(
    "value", [None, 3, [], "x", {}, {"machine": {}}, {"system": {}}, {"machine": {"system": 3}}]
)
def test_what_is_no_description_of_a_machine(value: Any) -> None:
    with pytest.raises(SdsetupError) as caught:
        facts_from_json(value)
    assert caught.value.code == "facts-invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(fields=st.dictionaries(st.sampled_from([*machine_json(FACTS), "x"]), JSON, max_size=4))
@settings(max_examples=80, deadline=None)
def test_only_the_named_error_comes_of_nonsense(fields: dict[str, Any]) -> None:
    document = {"system": {"family": "linux"}, **fields}
    try:
        facts = facts_from_json(document)
    except SdsetupError as error:
        assert error.code == "facts-invalid"
    else:
        assert facts_from_json(machine_json(facts)) == facts
