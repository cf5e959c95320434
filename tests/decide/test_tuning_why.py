"""Explaining a setting, comparing two profiles, stepping down, and the person's own flags."""

from __future__ import annotations

import pytest

from decide.tuning_machines import MACHINES, gpu
from decide.tuning_tables import known, rules, tuned
from sdsetup.catalog.failures import FailureBook, parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.decide.measuring.candidates import step_down
from sdsetup.decide.tuning.engine import tune
from sdsetup.decide.tuning.own_flags import Own, beside, own_settings
from sdsetup.decide.tuning.torch import misfit
from sdsetup.decide.tuning.why import Explanation, compare, explain
from sdsetup.errors import UsageError
from sdsetup.text import Text
from sdsetup.values.facts import Facts, System
from sdsetup.values.flags import LaunchFile
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.tuning import Tuning, Warning


def machine(name: str | None, vram: float) -> Facts:
    return Facts(system=System(family="windows", arch="x86_64"), gpus=(gpu(name, vram),))


def why(asked: str, facts: Facts, own: tuple[str, ...] = ()) -> Explanation:
    def without(rule: str) -> Tuning:
        return tune(facts, rules().without(rule))

    return explain(asked, tuned(facts), known(), without, own)


RTX3060 = machine("NVIDIA GeForce RTX 3060", 12)
GTX1660 = machine("NVIDIA GeForce GTX 1660", 6)


def test_a_flag_that_is_set() -> None:
    told = why("--xformers", RTX3060)
    assert (told.setting, told.value, told.set_by) == ("--xformers", "", "rule")
    assert told.reason is not None and told.reason.rule == "attention-xformers"
    assert told.meaning is not None and "xformers library" in told.meaning.effect
    assert [(change.setting, change.mine, change.theirs) for change in told.changes] == [("--xformers", "", None)]


def test_what_would_change_without_the_rule() -> None:
    told = why("medvram-sdxl", GTX1660)
    assert {(change.setting, change.theirs) for change in told.changes} == {
        ("--medvram-sdxl", None),
        ("--medvram", ""),
    }


def test_a_flag_that_is_left_out_on_purpose() -> None:
    told = why("medvram", RTX3060)
    assert (told.value, told.set_by) == (None, "left-out")
    assert told.reason is not None and told.reason.rule == "memory-12"


def test_a_flag_in_whose_place_another_stands() -> None:
    told = why("--medvram", GTX1660)
    assert told.set_by == "left-out" and told.reason is not None
    assert told.reason.setting == "--medvram-sdxl"


def test_a_flag_of_the_persons_own() -> None:
    told = why("--listen", RTX3060, own=("--listen", "--port 7861"))
    assert (told.set_by, told.value, told.reason, told.meaning) == ("person", "", None, None)
    assert why("--port", RTX3060, own=("--listen", "--port 7861")).value == "7861"


def test_a_setting_that_nobody_speaks_of() -> None:
    told = why("--opt-sdp-no-mem-attention", machine("AMD Radeon RX 6700 XT", 12))
    assert (told.set_by, told.reason) == ("nobody", None) and told.meaning is not None


def test_a_variable_and_torch() -> None:
    told = why("safetensors_fast_gpu", RTX3060)
    assert (told.setting, told.value) == ("SAFETENSORS_FAST_GPU", "1")
    assert told.meaning is not None and told.meaning.without == "nothing changes"
    told = why("torch", RTX3060)
    assert told.value == "2.1.2+cu121" and told.reason is not None and told.changes == ()


def test_what_is_no_setting_suggests() -> None:
    with pytest.raises(UsageError) as caught:
        why("--xformer", RTX3060)
    assert caught.value.code == "setting-unknown"
    assert "--xformers" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        why("qqqqq", RTX3060)
    assert "sdsetup why" in str(caught.value.hint)


def test_every_setting_of_every_machine_can_be_explained() -> None:
    for one in MACHINES:
        tuning = tuned(one.facts, model_class=one.model)
        for setting in (*tuning.flags, *dict(tuning.env)):
            told = explain(setting, tuning, known(), lambda _rule, same=tuning: same)
            assert told.set_by == "rule" and told.reason is not None and told.meaning is not None, setting


def test_the_profiles_side_by_side() -> None:
    mine, theirs = tuned(GTX1660), tuned(GTX1660, "article-2023")
    found = {one.setting: one for one in compare(mine, theirs)}
    assert "--xformers" not in found and "--no-half-vae" not in found
    assert (found["--medvram"].mine, found["--medvram"].theirs) == (None, "")
    reason = found["--medvram"].my_reason
    assert reason is not None and reason.setting == "--medvram-sdxl"
    assert found["STABLE_DIFFUSION_REPO"].their_reason is None
    assert compare(mine, mine) == ()


@pytest.mark.parametrize(
    ("name", "vram", "flags"),
    [
        ("NVIDIA GeForce RTX 3060", 12, "--xformers"),
        ("NVIDIA GeForce RTX 3070", 8, "--xformers --medvram"),
        ("NVIDIA GeForce GTX 1070", 8, "--xformers --medvram --no-half-vae"),
        ("NVIDIA GeForce GTX 1060 3GB", 3, "--xformers --lowvram --no-half-vae"),
        ("NVIDIA GeForce GTX 970", 4, "--xformers --medvram --no-half --precision full"),
        ("NVIDIA GeForce RTX 5070", 12, "--xformers"),
        ("AMD Radeon RX 6700 XT", 12, "--xformers --no-half-vae"),
        (None, 8, "--xformers --medvram --no-half-vae"),
        (None, 3, "--xformers --lowvram --no-half-vae"),
        (None, 12, "--xformers --no-half-vae"),
    ],
)
def test_the_article_to_the_letter(name: str | None, vram: float, flags: str) -> None:
    tuning = tuned(machine(name, vram), "article-2023")
    assert " ".join(sorted(tuning.flags)) == " ".join(sorted(flags.replace("--precision full", "").split()
        + (["--precision full"] if "--precision" in flags else [])))  # fmt: skip
    assert dict(tuning.env)["SAFETENSORS_FAST_GPU"] == "1"


def book() -> FailureBook:
    return parse_failures(Profiles().raw("failures"), "failures.toml")


def ladder(tuning: Tuning, cause: str) -> list[str]:
    steps = []
    following: Tuning | None = tuning
    while (following := step_down(following, cause, book())) is not None:  # type: ignore[arg-type]
        steps.append(" ".join(following.flags))
    return steps


def test_one_step_down_after_another() -> None:
    assert ladder(tuned(RTX3060), "oom") == ["--xformers --medvram", "--xformers --lowvram"]
    sdxl = tuned(RTX3060, model_class="sdxl")
    assert ladder(sdxl, "oom") == ["--xformers --medvram-sdxl", "--xformers --medvram", "--xformers --lowvram"]
    assert ladder(tuned(GTX1660), "black")[0] == "--xformers --medvram-sdxl --no-half-vae --upcast-sampling"
    assert ladder(tuned(RTX3060), "black")[-1] == "--xformers --no-half"


def test_a_step_down_says_why_and_forgets_what_it_replaced() -> None:
    down = step_down(tuned(GTX1660), "oom", book())
    assert down is not None and "--medvram" in down.flags and "--medvram-sdxl" not in down.flags
    reasons = {reason.setting: reason for reason in down.reasons}
    assert reasons["--medvram"].rule == "step-down/oom" and "--medvram-sdxl" not in reasons


def test_the_persons_own_flags_stay_and_clashes_are_said() -> None:
    tuning = tuned(GTX1660)
    in_file = ("--xformers", "--listen", "--lowvram", "--medvram", "--ckpt-dir D:/models")
    own = own_of(*in_file, tuning=tuning, recorded=("--medvram",))
    assert own.all_flags == ("--listen", "--lowvram", "--ckpt-dir D:/models")
    (warning,) = said_beside(own, tuning)
    said = str(warning.text)
    assert warning.topic == "own-flags" and "--lowvram" in said and "--medvram-sdxl replaces" in said
    (warning,) = said_beside(own_of("--opt-sub-quad-attention", tuning=tuning), tuning)
    assert "conflicts with the recommended --xformers and stays" in str(warning.text)


def own_of(*flags: str, tuning: Tuning, recorded: tuple[str, ...] = ()) -> Own:
    words = tuple(word for flag in flags for word in flag.split())
    seen = LaunchFile(kind="bat", flags=words, env={})
    return own_settings(seen, tuning, InstallRecord(flags=recorded), known())


def said_beside(own: Own, tuning: Tuning) -> tuple[Warning, ...]:
    return beside(own, tuning, known()).warnings[len(tuning.warnings) :]


@pytest.mark.parametrize(
    ("installed", "told"),
    [(None, False), ("2.1.2+cu121", False), ("2.1.2", False), ("2.1.2+cpu", True), ("2.7.0+cu128", True)],
)
def test_settings_for_another_torch_than_the_environments_are_told(installed: str | None, told: bool) -> None:
    warning = misfit(tuned(RTX3060), installed, fix=Text("Do this"))
    assert (warning is not None) == told
    if warning is not None:
        assert f"has PyTorch {installed}. Do this" in str(warning.text)
