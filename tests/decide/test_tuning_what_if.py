"""Machines that are not this one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decide.tuning_tables import gpus, tuned
from sdsetup.catalog.gpus import Card
from sdsetup.decide.tuning.card_lookup import match
from sdsetup.decide.tuning.what_if import DescribedMachine, SupposedCard, describe, pair
from sdsetup.values.facts import GIB, Facts, Gpu, Installation, Memory, Python, System

HERE = Facts(
    system=System(family="linux", arch="x86_64", nouveau=True, groups=("me",)),
    gpus=(
        Gpu(vendor="nvidia", name="NVIDIA GeForce GTX 1660", vram_bytes=6 * GIB, driver_version="551.52", index=0),
    ),
    memory=Memory(total_bytes=16 * GIB, pagefile_bytes=8 * GIB),
    pythons=(Python(path="/usr/bin/python3", version=(3, 12, 1)),),
    installation=Installation(environment_python=(3, 10, 6)),
)


def card(name: str) -> Card:
    (only,) = match(gpus(), name).cards
    return only


def test_nothing_supposed_changes_nothing() -> None:
    assert describe(HERE, DescribedMachine()) == HERE
    assert not DescribedMachine().elsewhere


def test_a_card_by_name_stands_alone_in_this_machine() -> None:
    facts = describe(HERE, DescribedMachine(cards=(SupposedCard(card=card("RTX 5070")),)))
    (gpu,) = facts.gpus
    assert (gpu.name, gpu.compute_capability, gpu.vram_bytes) == ("NVIDIA GeForce RTX 5070", (12, 0), 12 * GIB)
    assert (gpu.driver_version, gpu.source, gpu.index) == (None, "what-if", 0)
    assert facts.memory == HERE.memory and facts.system.nouveau is None
    assert facts.installation is None and facts.pythons == ()


def test_a_name_with_several_sizes_leaves_the_size_open() -> None:
    facts = describe(HERE, DescribedMachine(cards=(SupposedCard(card=card("RTX 5060 Ti")),)))
    assert facts.gpus[0].vram_bytes is None
    tuning = tuned(facts)
    assert [warning.topic for warning in tuning.warnings] == ["vram-unknown"]
    assert tuning.tier == "8gb"


def test_memory_alone_is_about_this_machines_one_card() -> None:
    facts = describe(HERE, DescribedMachine(cards=(SupposedCard(vram_gib=12),)))
    assert facts.gpus == (replace(HERE.gpus[0], vram_bytes=12 * GIB, source="what-if"),)


def test_memory_alone_without_a_card_is_an_unknown_nvidia_card() -> None:
    facts = describe(replace(HERE, gpus=()), DescribedMachine(cards=(SupposedCard(vram_gib=8),)))
    (gpu,) = facts.gpus
    assert (gpu.vendor, gpu.name, gpu.compute_capability, gpu.vram_bytes) == ("nvidia", None, None, 8 * GIB)


def test_several_cards_in_index_order() -> None:
    both = pair((card("GTX 1080"), card("RTX 5070")), (8, 12))
    facts = describe(HERE, DescribedMachine(cards=both))
    assert [gpu.index for gpu in facts.gpus] == [0, 1]
    assert dict(tuned(facts).env)["CUDA_VISIBLE_DEVICES"] == "1"
    assert pair((card("GTX 1080"),), (8, 6)) == (
        SupposedCard(card=card("GTX 1080"), vram_gib=8),
        SupposedCard(vram_gib=6),
    )


@pytest.mark.parametrize(("name", "family", "wsl"), [("windows", "windows", False), ("wsl", "linux", True)])
def test_another_system_knows_nothing_of_this_one(name: str, family: str, wsl: bool) -> None:
    facts = describe(HERE, DescribedMachine(os=name, ram_gib=32))  # type: ignore[arg-type]
    assert (facts.system.family, facts.system.wsl) == (family, wsl)
    assert facts.system.groups is None and facts.pythons == () and facts.installation is None
    assert facts.memory == Memory(total_bytes=32 * GIB)
    assert facts.gpus == HERE.gpus


def test_an_apple_processor_is_in_a_mac() -> None:
    facts = describe(HERE, DescribedMachine(cards=(SupposedCard(card=card("M2 Pro"), vram_gib=16),)))
    assert (facts.system.family, facts.system.arch) == ("macos", "arm64")
    tuning = tuned(facts)
    assert tuning.device == "mps" and tuning.torch is not None and tuning.torch.family == "mps-2.3"


def test_a_card_asked_for_on_a_mac_is_for_a_pc() -> None:
    mac = Facts(system=System(family="macos", arch="arm64"))
    facts = describe(mac, DescribedMachine(cards=(SupposedCard(card=card("RTX 4070"), vram_gib=12),)))
    assert (facts.system.family, facts.system.arch) == ("windows", "x86_64")
    assert tuned(facts).flags == ("--xformers",)


def test_a_card_asked_for_on_an_arm_pc_is_for_an_ordinary_one() -> None:
    board = Facts(system=System(family="linux", arch="aarch64"))
    facts = describe(board, DescribedMachine(cards=(SupposedCard(card=card("RTX 4070"), vram_gib=12),)))
    assert tuned(facts).flags == ("--xformers",)


def test_a_driver_is_supposed_for_nvidia_cards() -> None:
    assert describe(HERE, DescribedMachine(driver="472.12")).gpus[0].driver_version == "472.12"
    supposed = DescribedMachine(cards=(SupposedCard(card=card("RX 6800"), vram_gib=16),), driver="472.12")
    assert describe(HERE, supposed).gpus[0].driver_version is None
