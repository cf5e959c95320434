"""What holds for every machine, whatever the card."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.tuning_tables import builds, gpus, profile, tuned
from sdsetup.catalog.gpus import Card
from sdsetup.values.facts import GIB, Facts, Gpu, Memory, System
from sdsetup.values.tuning import Tuning

MEMORY_FLAGS = ("--lowvram", "--medvram", "--medvram-sdxl")
ATTENTION_FLAGS = ("--xformers", "--opt-sdp-attention", "--opt-sdp-no-mem-attention", "--opt-sub-quad-attention")
PREFIXES = {"nvidia": "NVIDIA ", "amd": "AMD ", "intel": "Intel ", "apple": "", "other": ""}


def card_in(card: Card, **more: Any) -> Gpu:
    return Gpu(
        **{
            "vendor": card.vendor,
            "name": PREFIXES[card.vendor] + card.name,
            "integrated": "integrated" in card.traits,
            "source": "what-if",
            **more,
        }
    )


@st.composite
def cards(draw: st.DrawFn) -> Gpu:
    """A card of the table, or one that nobody knows, with any size, driver and completeness of facts."""
    size = draw(st.none() | st.floats(0.25, 200))
    more = {
        "vram_bytes": None if size is None else round(size * GIB),
        "driver_version": draw(
            st.none() | st.sampled_from(["390.157", "451.48", "472.12", "528.33", "566.36", "591.86"])
        ),
        "source": draw(st.sampled_from(["what-if", "nvml", "registry"])),
        "mig": draw(st.booleans()),
    }
    known = draw(st.none() | st.sampled_from(gpus().cards))
    if known is not None:
        return card_in(known, **more)
    vendor = draw(st.sampled_from(["nvidia", "amd", "intel", "apple", "other"]))
    compute = draw(st.none() | st.tuples(st.integers(1, 14), st.integers(0, 9)))
    name = draw(st.none() | st.text(max_size=20))
    return Gpu(vendor=vendor, name=name, compute_capability=compute, **more)


@st.composite
def machines(draw: st.DrawFn) -> Facts:
    family = draw(st.sampled_from(["windows", "linux", "macos"]))
    ram = draw(st.none() | st.floats(1, 256))
    page = draw(st.none() | st.floats(0, 64))
    found = draw(st.lists(cards(), max_size=3))
    return Facts(
        system=System(
            family=family,
            wsl=family == "linux" and draw(st.booleans()),
            arch=draw(st.sampled_from([None, "x86_64", "AMD64", "arm64"])),
        ),
        gpus=tuple(found),
        memory=Memory(
            total_bytes=None if ram is None else round(ram * GIB),
            pagefile_bytes=None if page is None else round(page * GIB),
        ),
    )


def names(tuning: Tuning) -> list[str]:
    return [flag.split(" ", 1)[0] for flag in tuning.flags]


def compute_of(tuning: Tuning) -> tuple[int, int] | None:
    from sdsetup.decide.tuning.card_lookup import find

    assert tuning.gpu is not None
    known = find(gpus(), tuning.gpu.name)
    return tuning.gpu.compute_capability or (known.compute if known else None)


@settings(deadline=None, max_examples=300)
@given(machines(), st.sampled_from(["sd15", "sdxl"]))
def test_no_answer_contradicts_itself(facts: Facts, model: str) -> None:
    tuning = tuned(facts, model_class=model)
    flags = names(tuning)
    assert len(flags) == len(set(flags))
    assert sum(flag in flags for flag in MEMORY_FLAGS) <= 1
    assert sum(flag in flags for flag in ATTENTION_FLAGS) <= 1
    assert "--precision" not in flags or "--no-half" in flags
    assert not ("--no-half" in flags and "--upcast-sampling" in flags)
    variables = dict(tuning.env)
    assert not ("--device-id" in flags and "CUDA_VISIBLE_DEVICES" in variables)
    assert not ({"--lowram"} & set(flags) and set(MEMORY_FLAGS) & set(flags))
    known_settings = {reason.setting for reason in tuning.reasons}
    assert {*tuning.flags, *variables} <= known_settings
    assert tuning.unsupported is not None or tuning.torch is not None or tuning.device == "none"


@settings(deadline=None, max_examples=300)
@given(machines(), st.sampled_from(["sd15", "sdxl"]))
def test_xformers_only_where_the_web_ui_uses_it(facts: Facts, model: str) -> None:
    tuning = tuned(facts, model_class=model)
    if "--xformers" not in tuning.flags:
        assert tuning.torch is None or tuning.torch.xformers is None
        return
    assert tuning.device == "cuda" and tuning.torch is not None and tuning.torch.xformers is not None
    compute = compute_of(tuning)
    assert compute is None or (6, 0) <= compute <= (9, 0)


@settings(deadline=None, max_examples=200)
@given(machines())
def test_the_processor_is_never_asked_for_a_card(facts: Facts) -> None:
    tuning = tuned(facts)
    on_processor = "--use-cpu all" in tuning.flags
    assert on_processor == (tuning.device == "cpu")
    assert not on_processor or ("--no-half" in tuning.flags and "--skip-torch-cuda-test" in tuning.flags)
    assert ("--skip-torch-cuda-test" in tuning.flags) == (tuning.device in ("cpu", "mps"))
    if tuning.torch is not None:
        assert all(build.family != tuning.torch.family for build in tuning.fallbacks)


@settings(deadline=None, max_examples=200)
@given(machines())
def test_a_torch_build_runs_where_it_is_chosen(facts: Facts) -> None:
    tuning = tuned(facts)
    if tuning.torch is None:
        return
    build = builds().family(tuning.torch.family)
    assert build is not None and build.device == tuning.device
    system = "wsl" if facts.system.wsl else facts.system.family
    assert system in build.systems
    if tuning.device == "cuda" and (compute := compute_of(tuning)) is not None:
        inside = build.kernels["windows" if system == "windows" else "linux"]
        assert any(major == compute[0] and minor <= compute[1] for major, minor in inside)


def speed(tuning: Tuning) -> int:
    """How little is saved: the processor 0, then lowvram, medvram, medvram-sdxl, nothing saved."""
    if tuning.device in ("cpu", "none"):
        return 0
    saved = [n for n, flag in enumerate(MEMORY_FLAGS, 1) if flag in tuning.flags]
    return saved[0] if saved else 4


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([card for card in gpus().cards if card.vendor in ("nvidia", "amd", "intel")]),
    st.floats(0.25, 100),
    st.floats(0.25, 100),
    st.sampled_from(["windows", "linux"]),
    st.sampled_from(["sd15", "sdxl"]),
)
def test_more_memory_never_gives_a_slower_tier(
    card: Card, one: float, two: float, family: str, model: str
) -> None:
    less, more = sorted((one, two))
    system = System(family=family, arch="x86_64")  # type: ignore[arg-type]
    answers = [
        tuned(Facts(system=system, gpus=(card_in(card, vram_bytes=round(size * GIB)),)), model_class=model)
        for size in (less, more)
    ]
    assert speed(answers[0]) <= speed(answers[1])


@pytest.mark.parametrize("family", ["windows", "linux", "macos"])
@pytest.mark.parametrize("model", ["sd15", "sdxl"])
def test_every_card_at_every_size_gets_an_answer_or_a_stated_refusal(family: str, model: str) -> None:
    system = System(family=family, arch="x86_64")  # type: ignore[arg-type]
    for card in gpus().cards:
        for size in card.vram_gib or (None,):
            gpu = card_in(card, vram_bytes=None if size is None else round(size * GIB))
            tuning = tuned(Facts(system=system, gpus=(gpu,)), model_class=model)
            if tuning.unsupported is not None:
                assert str(tuning.unsupported.reason) and str(tuning.unsupported.instead)
            else:
                assert tuning.torch is not None, (card.name, size, family)


@pytest.mark.parametrize("name", ["current", "article-2023"])
def test_the_same_facts_give_the_same_answer(name: str) -> None:
    facts = Facts(system=System(family="linux", arch="x86_64"), gpus=(card_in(gpus().cards[100]),))
    assert tuned(facts, name) == tuned(facts, name)
    assert profile(name).name == name
