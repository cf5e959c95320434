"""Profiles of rules are refused whole: every problem at once, with its path."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from decide.tuning_tables import builds, known, profile
from sdsetup.catalog.conditions import Condition, read_condition
from sdsetup.catalog.files import Profiles, built_in_profiles
from sdsetup.catalog.flags import parse_flags
from sdsetup.catalog.gpus import TRAITS, parse_gpus
from sdsetup.catalog.reading import ProfileError, Reader
from sdsetup.catalog.torch import parse_torch
from sdsetup.catalog.tuning import Profile, parse_profile

SOUND: dict[str, Any] = {
    "title": "A test",
    "assume_vram_gib": 4,
    "tiers": {"small": {"from_gib": 0}, "large": {"from_gib": 8}},
    "rules": {
        "card": {
            "decides": "device",
            "when": {"vendor": "nvidia"},
            "device": "cuda",
            "because": "b",
            "source": "s",
        },
        "low": {
            "decides": "memory",
            "when": {"device": "cuda", "vram": {"below": 4}},
            "flags": ["--lowvram"],
            "because": "b",
            "source": "s",
        },
    },
}


def rule(**more: Any) -> dict[str, Any]:
    return {"because": "b", "source": "s", **more}


def parse(**rules: dict[str, Any]) -> Profile:
    raw = copy.deepcopy(SOUND)
    raw["rules"] |= rules
    return parse_profile(raw, "tuning/test.toml", known(), ["cu121-2.1"])


def problems(**rules: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ProfileError) as caught:
        parse(**rules)
    return caught.value.problems


def test_a_sound_profile_is_read() -> None:
    read = parse()
    assert [one.id for one in read.rules] == ["card", "low"]
    assert read.name == "test"


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    raw = copy.deepcopy(SOUND)
    raw["torch"] = "cu999"
    raw["colour"] = "blue"
    raw["tiers"]["middle"] = {"from_gib": 2}
    raw["rules"]["low"]["flags"] = ["--lowvram", "--medvarm"]
    raw["rules"]["low"]["when"]["vram"] = {"from": 8, "below": 4}
    raw["rules"]["low"]["becuase"] = "typo"
    raw["rules"]["card"]["when"] = {"vendor": "nvidea", "drivers": 5}
    raw["rules"]["text"] = rule(flags=["--xformers"], because="no {such} word", source="")
    with pytest.raises(ProfileError) as caught:
        parse_profile(raw, "tuning/test.toml", known(), ["cu121-2.1"])
    found = "\n".join(caught.value.problems)
    for expected in (
        "tuning/test.toml: torch: 'cu999' is not a family of torch.toml",
        "tuning/test.toml: colour: unknown key",
        "tuning/test.toml: tiers: must be in order, smallest first",
        "tuning/test.toml: rules.low.flags: '--medvarm' is not a known flag",
        "tuning/test.toml: rules.low.when.vram.from: the range is empty",
        "tuning/test.toml: rules.low.becuase: unknown key",
        "tuning/test.toml: rules.card.when.vendor: 'nvidea' is not one of nvidia, amd",
        "tuning/test.toml: rules.card.when.drivers: unknown key",
        "tuning/test.toml: rules.text.because: {such} is not one of card, vram",
        "tuning/test.toml: rules.text.source: must not be empty",
    ):
        assert expected in found
    assert len(caught.value.problems) == 10


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"flags": ["--use-cpu"]}, "--use-cpu needs a value"),
        ({"flags": ["--lowvram yes"]}, "--lowvram takes no value"),
        ({"flags": ["--medvram", "--lowvram"]}, "--medvram and --lowvram exclude each other"),
        ({"flags": ["--precision full"]}, "--precision full needs --no-half beside it"),
        ({"flags": ["--force-enable-xformers"]}, "--force-enable-xformers needs --xformers beside it"),
        ({"env": {"PYTHONPATH": "x"}}, "PYTHONPATH is not a known environment variable"),
        ({"unsupported": True}, "a refusal must say what to do instead"),
        ({"device": "cuda"}, 'only rules with decides = "device" choose a device'),
        ({}, "the rule does nothing"),
        ({"flags": ["--xformers"], "before": "nobody"}, "there is no rule 'nobody'"),
        ({"flags": ["--xformers"], "when": {"vram": {}}}, "a range needs from, to or below"),
        ({"flags": ["--xformers"], "when": {"vram": {"to": 3, "below": 4}}}, "give either to or below"),
        ({"flags": ["--xformers"], "when": {"compute": {"from": "seven"}}}, "is not a version"),
        ({"flags": ["--xformers"], "when": {"compute": {"from": 7.5}}}, "expected text, found a number"),
        ({"flags": ["--xformers"], "when": {"unknown": ["colour"]}}, "'colour' is not a fact that rules can use"),
        ({"flags": ["--xformers"], "when": {"vram": 8}}, "expected a table, found a whole number"),
        ({"flags": ["--xformers"], "because": "{vram"}, "is not a valid template"),
    ],
)
def test_a_rule_that_cannot_be_meant(more: dict[str, Any], problem: str) -> None:
    found = problems(new={**rule(), **more})
    assert any(problem in one and "rules.new" in one for one in found)


def test_rules_that_contradict_each_other_are_refused() -> None:
    found = problems(other=rule(when={"device": "cuda", "model": "sdxl"}, flags=["--medvram"]))
    why = "--lowvram and --medvram exclude each other, and both rules can apply to one machine"
    assert found == (f"tuning/test.toml: rules.other: conflicts with low: {why}",)


def test_rules_that_can_never_meet_do_not_contradict() -> None:
    parse(other=rule(when={"device": "cuda", "vram": {"from": 4}}, flags=["--medvram"]))
    parse(other=rule(when={"device": "rocm"}, flags=["--medvram"]))
    parse(other=rule(when={"unknown": ["vram"]}, flags=["--medvram"]))


def test_of_rules_that_decide_one_thing_the_first_wins_and_that_is_no_conflict() -> None:
    parse(other=rule(decides="memory", when={"device": "cuda", "model": "sdxl"}, flags=["--medvram"]))


def test_a_rule_that_can_never_apply_is_refused() -> None:
    found = problems(
        dead=rule(decides="memory", when={"device": "cuda", "vram": {"below": 2}}, flags=["--medvram"])
    )
    assert "conflicts with low: it always applies first, so this rule never applies" in found[0]


def test_two_values_of_one_variable_are_refused() -> None:
    found = problems(
        one=rule(env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}),
        two=rule(env={"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}),
    )
    assert "HSA_OVERRIDE_GFX_VERSION gets two values" in found[0]


def test_device_id_and_visible_devices_never_meet() -> None:
    found = problems(one=rule(flags=["--device-id 1"]), two=rule(env={"CUDA_VISIBLE_DEVICES": "1"}))
    assert any("exclude each other" in problem for problem in found)


def test_a_rule_can_be_switched_off_and_placed_before_another() -> None:
    read = parse(
        new=rule(decides="memory", when={"device": "cuda", "model": "sdxl", "vram": {"below": 2}}, before="low",
                 flags=["--medvram"]),
        card={**SOUND["rules"]["card"], "off": True},
    )  # fmt: skip
    assert [one.id for one in read.rules] == ["new", "low"]


def test_a_folder_over_the_profiles_changes_one_rule(tmp_path: Path) -> None:
    (tmp_path / "tuning").mkdir()
    (tmp_path / "tuning" / "current.toml").write_text(
        '[rules.memory-12]\nbecause = "Mine: {vram} GB"\n[rules.no-proxy]\noff = true\n', encoding="utf-8"
    )
    raw = Profiles(tmp_path).raw("tuning/current")
    read = parse_profile(raw, "tuning/current.toml", known(), [build.family for build in builds().builds])
    assert len(read.rules) == len(profile().rules) - 1
    changed = next(one for one in read.rules if one.id == "memory-12")
    assert changed.because == "Mine: {vram} GB"
    assert changed.omits == ("--lowvram", "--medvram", "--medvram-sdxl")


def test_the_built_in_profiles_are_sound() -> None:
    assert set(Profiles().names("tuning")) == {"current", "article-2023"}
    for name in Profiles().names("tuning"):
        assert profile(name).rules


def test_every_rule_names_where_it_comes_from() -> None:
    for one in profile().rules:
        assert one.source.startswith("https://"), one.id
        assert not one.because.endswith("."), f"{one.id}: `because` is shown with a full stop of its own"


def test_a_table_of_cards_with_mistakes() -> None:
    raw = {
        "architectures": {"Ampere": {"vendor": "nvidea", "pace": 5, "source": "s"}},
        "chips": {
            "A1": {"architecture": "Amper", "cards": {"A": {"vram": [8], "year": 2020}}},
            "A2": {
                "architecture": "Ampere",
                "cards": {
                    "B": {"vram": [8, 4], "year": 2020, "traits": ["fast"], "color": 1},
                    "C": {"vram": "8", "ids": "2504 25G0"},
                },
            },
        },
        "series": [{"vendor": "nvidia", "pattern": "(", "architecture": "Ampere"}],
    }
    with pytest.raises(ProfileError) as caught:
        parse_gpus(raw)
    assert caught.value.problems == (
        "gpus.toml: architectures.Ampere.vendor: 'nvidea' is not one of nvidia, amd, intel, apple, other",
        "gpus.toml: chips.A1.architecture: 'Amper' is not one of Ampere",
        "gpus.toml: chips.A2.cards.B.vram: sizes must be positive and in order",
        f"gpus.toml: chips.A2.cards.B.traits: 'fast' is not one of {', '.join(TRAITS)}",
        "gpus.toml: chips.A2.cards.B.color: unknown key",
        "gpus.toml: chips.A2.cards.C.vram: expected a list, each a number, found text ('8')",
        "gpus.toml: chips.A2.cards.C.year: is missing",
        "gpus.toml: chips.A2.cards.C.ids: '25G0' is not a device number such as 1f82",
        "gpus.toml: series[0].pattern: is not a pattern: missing ), unterminated subpattern at position 0",
    )


def test_a_list_of_builds_with_mistakes() -> None:
    raw = {
        "default": "none",
        "python": {"wanted": "three"},
        "builds": {
            "a": {
                "device": "cuda", "torch": "2.1.2", "systems": ["windows", "dos"], "pythons": ["3.10"],
                "index": "http://example.org/whl", "driver": {"windows": "new"}, "because": "b", "source": "s",
            }
        },
    }  # fmt: skip
    with pytest.raises(ProfileError) as caught:
        parse_torch(raw)
    assert [problem.split(": ", 2)[1] for problem in caught.value.problems] == [
        "builds.a.index", "builds.a.systems", "builds.a.driver.windows", "builds.a.download_bytes",
        "builds.a.disk_bytes", "builds.a.kernels", "default", "python.wanted",
    ]  # fmt: skip


def test_flags_with_mistakes() -> None:
    raw = {
        "flags": {"-x": {"effect": "e", "without": "w", "source": "s", "excludes": ["--nothing"]}},
        "variables": {"A": {"effect": "e", "source": "s"}},
    }
    with pytest.raises(ProfileError) as caught:
        parse_flags(raw)
    assert caught.value.problems == (
        "flags.toml: flags.-x: flags start with --, environment variables don't",
        "flags.toml: variables.A.without: is missing",
        "flags.toml: -x: names '--nothing', which is not in this file",
    )


def condition(**when: Any) -> Condition:
    reader = Reader(when, "t")
    read = read_condition(reader)
    reader.finish()
    return read


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ({"vendor": "nvidia"}, {"vendor": ["amd", "intel"]}, True),
        ({"vendor": "nvidia"}, {"vendor": ["amd", "nvidia"]}, False),
        ({"vendor": "nvidia"}, {"os": "windows"}, False),
        ({"vram": {"below": 4}}, {"vram": {"from": 4}}, True),
        ({"vram": {"to": 4}}, {"vram": {"from": 4}}, False),
        ({"vram": {"below": 4}}, {"vram": {"from": 3}}, False),
        ({"compute": {"to": "9.0"}}, {"compute": {"from": "10.0"}}, True),
        ({"mig": True}, {"mig": False}, True),
        ({"unknown": ["compute"]}, {"compute": {"from": "6.0"}}, True),
        ({"unknown": ["compute"]}, {"known": ["compute"]}, True),
        ({"traits": ["mining"]}, {"no_traits": ["mining", "arm"]}, True),
        ({"traits": ["mining", "laptop"]}, {"no_traits": ["mining"]}, False),
    ],
)
def test_conditions_know_whether_they_can_meet(one: dict[str, Any], two: dict[str, Any], apart: bool) -> None:
    first, second = condition(**one), condition(**two)
    assert first.excludes(second) is apart
    assert second.excludes(first) is apart


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ({}, {"vendor": "nvidia"}, True),
        ({"vendor": ["nvidia", "amd"]}, {"vendor": "amd", "mig": True}, True),
        ({"vendor": "amd"}, {"vendor": ["nvidia", "amd"]}, False),
        ({"vram": {"below": 8}}, {"vram": {"from": 2, "below": 4}}, True),
        ({"vram": {"below": 8}}, {"vram": {"to": 8}}, False),
        ({"vram": {"to": 8}}, {"vram": {"below": 8}}, True),
        ({"vram": {"below": 8}}, {"vram": {"from": 2}}, False),
        ({"known": ["vram"]}, {"vram": {"from": 2}}, True),
        ({"known": ["vram"]}, {"unknown": ["vram"]}, False),
        ({"mig": True}, {"vendor": "nvidia"}, False),
    ],
)
def test_conditions_know_whether_one_covers_another(
    wide: dict[str, Any], narrow: dict[str, Any], covered: bool
) -> None:
    assert condition(**wide).covers(condition(**narrow)) is covered


def test_an_unknown_value_passes_no_test_but_unknown() -> None:
    for when in (
        {"vendor": "nvidia"},
        {"vram": {"from": 0}},
        {"mig": False},
        {"no_traits": "arm"},
        {"known": ["vram"]},
    ):
        assert not condition(**when).holds({})
    assert condition(unknown=["vram"]).holds({})


def test_no_address_version_or_rule_is_in_code() -> None:
    code = Path(built_in_profiles()).parent / "src" / "sdsetup" / "decide"
    for path in [*code.glob("tuning/*.py"), *code.glob("profiles/*.py")]:
        text = path.read_text(encoding="utf-8")
        assert "https://download" not in text and "cu121" not in text.replace('"cu121-2.1"', ""), path
