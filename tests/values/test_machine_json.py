"""Facts on their way to a helper and back."""

from __future__ import annotations

import json
import types
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.tuning_tables import rules, tuned
from sdsetup.catalog.doctor import read_doctor
from sdsetup.catalog.files import Profiles
from sdsetup.decide.checks import diagnose
from sdsetup.errors import SdsetupError
from sdsetup.show.doctor import report_json
from sdsetup.show.tuning_json import tuning_json
from sdsetup.values.facts import Facts, Gpu, Python, System
from sdsetup.values.facts_json import facts_from_json, machine_json

NEED = read_doctor(Profiles().raw("doctor")).need(rules())
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


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type hint's kind, as probes could find it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(part for part in arguments if part is not type(None))
        return st.none() | _values(inner)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        if int in arguments:
            least, most = (1, 4) if Ellipsis in arguments else (len(arguments), len(arguments))
            return st.lists(st.integers(0, 9999), min_size=least, max_size=most).map(tuple)
        return st.lists(_values(arguments[0]), max_size=2).map(tuple)
    if origin is not None:
        return st.dictionaries(st.text(max_size=5), _values(arguments[1]), max_size=2)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: _values(hints[field.name]) for field in fields(kind)})
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(max_size=8),
        int: st.integers(0, 2**40),
        bool: st.booleans(),
        float: st.floats(0, 1000),
    }
    return plain[kind]


@given(gpus=st.lists(_values(Gpu), max_size=3))
@settings(max_examples=100, deadline=None)
def test_cards_come_back_from_every_document_as_they_were(gpus: list[Gpu]) -> None:
    """doctor --json, tune --json and the facts alone: the same fields, so the same answer by --facts."""
    facts = replace(FACTS, gpus=tuple(gpus))
    for document in (
        machine_json(facts),
        report_json(diagnose(facts, NEED)),
        tuning_json(tuned(facts), facts, ""),
    ):
        assert facts_from_json(json.loads(json.dumps(document))) == facts


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
