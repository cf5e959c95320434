"""Every machine of the hand-written table gets what an expert would set, and every rule is needed for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from decide.tuning_machines import CPU, CU121, MACHINES, Machine
from decide.tuning_tables import builds, profile, rules
from sdsetup.catalog.torch import TorchBuilds
from sdsetup.catalog.tuning import Profile
from sdsetup.decide.tuning.engine import situation, tune
from sdsetup.decide.tuning.torch import suits
from sdsetup.values.versions import parse_version

ALWAYS = {
    "STABLE_DIFFUSION_REPO": "https://github.com/w-e-w/stablediffusion.git",
    "GIT_TERMINAL_PROMPT": "0",
    "no_proxy": "localhost,127.0.0.1,::1",
}


def wrong(machine: Machine, profile: Profile, torch: TorchBuilds) -> Iterator[str]:
    """What the answer for a machine lacks, against its row."""
    tuning = tune(machine.facts, replace(rules(), profile=profile, builds=torch), model_class=machine.model)  # type: ignore[arg-type]
    if set(_split(machine.flags)) != set(tuning.flags) or len(tuning.flags) != len(set(tuning.flags)):
        yield f"flags {tuning.flags}"
    if (tuning.torch.family if tuning.torch else None) != machine.torch:
        yield f"torch {tuning.torch}"
    if tuning.torch and (tuning.torch.xformers is not None) != machine.xformers:
        yield f"xformers {tuning.torch.xformers}"
    if dict(tuning.env) != _variables(machine, tuning.torch.command if tuning.torch else "", tuning.device):
        yield f"env {dict(tuning.env)}"
    topics = sorted(warning.topic for warning in tuning.warnings)
    if sorted(set(topics)) != sorted(machine.warns.split()):
        yield f"warnings {topics}"
    if (tuning.unsupported is not None) != machine.refused:
        yield f"unsupported {tuning.unsupported}"
    then = tuple(build.family for build in tuning.fallbacks)
    if machine.then is not None and then != machine.then:
        yield f"afterwards {then}"
    left_out = {(reason.setting, reason.rule) for reason in tuning.omitted}
    if not set(machine.why_not.items()) <= left_out:
        yield f"left out {sorted(left_out)}"
    said = " ".join(
        [*(str(w.text) for w in tuning.warnings), str(tuning.unsupported and tuning.unsupported.instead)]
    )
    if machine.says not in said:
        yield f"said {said}"


def _split(flags: str) -> list[str]:
    """ "--use-cpu all --no-half" as ["--use-cpu all", "--no-half"]."""
    return ["--" + part.strip() for part in flags.split("--") if part.strip()]


def _variables(machine: Machine, command: str, device: str) -> dict[str, str]:
    """The variables that every machine of its kind gets, and its own."""
    system = machine.facts.system
    expected = {**ALWAYS, **machine.env}
    if device == "cuda":
        expected["SAFETENSORS_FAST_GPU"] = "1"
    on_linux = system.family == "linux" and device in ("cuda", "rocm", "cpu")
    special = system.family == "windows" and device in ("cuda", "cpu") and machine.torch != CU121
    if machine.torch is not None and (on_linux or special):
        expected["TORCH_COMMAND"] = command
    return expected


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.title)
def test_machine(machine: Machine) -> None:
    assert list(wrong(machine, profile(), builds())) == []


def test_the_table_is_large_enough_and_without_repeats() -> None:
    assert len({repr((machine.facts, machine.model)) for machine in MACHINES}) == len(MACHINES) >= 120


@pytest.fixture(scope="module")
def right() -> list[Machine]:
    """The machines that the whole profile answers as their row says: only they can show a difference."""
    return [machine for machine in MACHINES if not list(wrong(machine, profile(), builds()))]


@pytest.fixture(scope="module")
def applied(right: list[Machine]) -> dict[str, list[Machine]]:
    """Rule -> the machines that it applies to: it makes no difference to the others."""
    found: dict[str, list[Machine]] = {}
    for machine in right:
        tuning = tune(machine.facts, rules(), model_class=machine.model)  # type: ignore[arg-type]
        for rule in tuning.applied:
            found.setdefault(rule, []).append(machine)
    return found


@pytest.mark.parametrize("rule", [rule.id for rule in profile().rules])
def test_no_rule_can_be_deleted_unnoticed(rule: str, applied: dict[str, list[Machine]]) -> None:
    shortened = profile().without(rule)
    assert any(list(wrong(machine, shortened, builds())) for machine in applied[rule]), (
        f"{rule} makes no difference"
    )


@pytest.mark.parametrize("family", [build.family for build in builds().builds])
def test_no_torch_build_can_be_deleted_unnoticed(family: str, right: list[Machine]) -> None:
    fewer = replace(builds(), builds=tuple(build for build in builds().builds if build.family != family))
    assert any(list(wrong(machine, profile(), fewer)) for machine in right), f"{family} is never chosen"


def test_every_rule_is_the_reason_of_some_case(applied: dict[str, list[Machine]]) -> None:
    assert {rule.id for rule in profile().rules} == set(applied)


def test_every_setting_has_a_reason_with_a_source() -> None:
    for machine in MACHINES:
        tuning = tune(machine.facts, rules(), model_class=machine.model)  # type: ignore[arg-type]
        told = {reason.setting for reason in tuning.reasons}
        assert told >= {*tuning.flags, *dict(tuning.env), *(["torch"] if tuning.torch else [])}
        for reason in (*tuning.reasons, *tuning.omitted):
            text = str(reason.because)
            assert text and "{" not in text and "?" not in text.replace("?)", ""), text
            assert reason.source.startswith(("https://", "The 2023"))


def test_the_processor_row_is_the_build_for_processors() -> None:
    assert {machine.torch for machine in MACHINES if "--use-cpu all" in machine.flags} == {CPU}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.title)
def test_the_build_runs_on_card_driver_and_python(machine: Machine) -> None:
    """What is installed has code for the card, and runs on its driver unless a warning says otherwise."""
    case = situation(machine.facts, rules(), model_class=machine.model, chosen_gpu=None)  # type: ignore[arg-type]
    tuning = tune(machine.facts, rules(), model_class=machine.model)  # type: ignore[arg-type]
    names = [name for name, _ in tuning.env]
    assert len(names) == len(set(names))
    if tuning.torch is None:
        return
    build = builds().family(tuning.torch.family)
    assert build is not None and suits(build, case)
    assert case.values["python"] in build.pythons
    driver = parse_version(tuning.gpu.driver_version) if tuning.gpu and tuning.device == "cuda" else None
    least = build.driver.get("windows" if case.values["os"] == "wsl" else case.values["os"])
    if driver is not None and least is not None and not (driver >= least):
        assert "driver" in {warning.topic for warning in tuning.warnings}
