"""models.toml: the built-in one, and what is wrong with others."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sdsetup.catalog.files import Profiles
from sdsetup.catalog.models import fetch_file, find_model, parse_model_profile, parse_models
from sdsetup.catalog.reading import ProfileError
from sdsetup.errors import UsageError

GOOD: dict[str, Any] = {
    "hub": {"endpoint": "https://hub.example", "mirrors": [{"url": "https://mirror.example"}]},
    "models": {
        "small": {
            "file": "small.safetensors",
            "save_as": "models/Stable-diffusion/small.safetensors",
            "size": 5,
            "sha256": "a" * 64,
            "sources": [
                {"hub": "org/name", "revision": "abc"},
                {"hub": "org/name", "revision": "abc", "file": "sub/other.safetensors"},
                {"url": "https://files.example/small.safetensors"},
            ],
        }
    },
}


def changed(*path: Any, value: Any = None, drop: bool = False) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    place: Any = raw
    for key in path[:-1]:
        place = place[key]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return raw


def test_the_built_in_profile_is_good() -> None:
    profile = parse_model_profile(Profiles().raw("models"))
    model = profile.models["sd15"]
    assert model.size == 4_265_146_304
    assert model.sha256 == "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa"
    assert model.save_as == "models/Stable-diffusion/model.safetensors"
    assert profile.hub.startswith("https://")
    for other in profile.models.values():
        assert all(len(source.revision or "") == 40 for source in other.sources if source.hub), other.name
        assert other.save_as.startswith("models/Stable-diffusion/")
        assert other.file.endswith(".safetensors")
    assert len({other.sha256 for other in profile.models.values()}) == len(profile.models)
    assert {place.program.split(",")[0] for place in profile.places} >= {
        "AUTOMATIC1111", "ComfyUI", "Stability Matrix", "Easy Diffusion", "InvokeAI",
    }  # fmt: skip


def test_what_a_plan_fetches() -> None:
    file = fetch_file(parse_models(GOOD)["small"])
    assert (file.name, file.size, file.sha256) == ("small", 5, "a" * 64)
    assert [(source.hub, source.file, source.url) for source in file.sources] == [
        ("org/name", "small.safetensors", None),
        ("org/name", "sub/other.safetensors", None),
        (None, None, "https://files.example/small.safetensors"),
    ]


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (changed("models", "small", "size", drop=True), "small.size: is missing"),
        (changed("models", "small", "size", value="5"), "small.size: expected a whole number"),
        (changed("models", "small", "size", value=0), "small.size: must be more than 0"),
        (changed("models", "small", "sha256", value="abc"), "small.sha256: expected 64"),
        (changed("models", "small", "save_as", value="../x"), "small.save_as"),
        (changed("models", "small", "save_as", value="C:/x"), "small.save_as"),
        (changed("models", "small", "save_as", value="models\\x"), "small.save_as"),
        (changed("models", "small", "save_as", value="models/nul.txt"), "small.save_as"),
        (changed("models", "small", "save_as", value=".sdsetup/journal.json"), "small.save_as"),
        (changed("models", "small", "file", value="../x"), "small.file"),
        (changed("models", "small", "save_as", value="models/Stable-diffusion/x.CKPT"), "is a pickle"),
        (changed("places", value=[{"program": "X", "folders": ["a/*", "a/../../b"]}]), "places[0].folders[1]"),
        (changed("models", "small", "sources", value=[{"hub": "../x", "revision": "abc"}]), "sources[0].hub"),
        (changed("models", "small", "sources", value=[]), "small.sources: needs at least one"),
        (changed("models", "small", "sources", value=[{}]), "small.sources[0].hub: give either"),
        (changed("models", "small", "sources", value=[{"hub": "a/b", "url": "https://x"}]), "give either"),
        (changed("models", "small", "sources", value=[{"hub": "a/b"}]), "sources[0].revision: is missing"),
        (changed("models", "small", "sources", value=[{"hub": "ab", "revision": "x"}]), "owner/repository"),
        (changed("models", "small", "sources", value=[{"url": "http://x.example/y"}]), "https://"),
        (changed("models", "small", "sources", value=[{"url": "https://x", "file": "y"}]), "can't be combined"),
        (changed("models", "small", "klass", value="sdxl"), "small.klass: unknown key"),
        (changed("models", "small", "class", value="sd9"), "small.class"),
        (changed("hub", "endpoint", drop=True), "endpoint is required"),
        (changed("hub", "endpoint", value="http://hub.example"), "hub.endpoint"),
        (changed("hub", "mirrors", value=[{}]), "mirrors[0].url: is missing"),
        (changed("places", value=[{"program": "X", "folders": ["/abs"]}]), "places[0].folders"),
        (changed("model", value={}), "model: unknown key"),
        ({}, "models: is missing"),
    ],
)
def test_mistakes_are_named_with_their_place(raw: dict[str, Any], where: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_models(raw)
    assert any(where in problem for problem in caught.value.problems), caught.value.problems


def test_all_mistakes_at_once() -> None:
    raw = changed("models", "small", "size", drop=True)
    raw["models"]["small"]["sha256"] = "no"
    raw["models"]["small"]["sources"].append({"hub": "x"})
    raw["models"]["small"]["extra"] = 1
    raw["hub"]["endpoint"] = "ftp://x"
    with pytest.raises(ProfileError) as caught:
        parse_models(raw)
    assert len(caught.value.problems) >= 5


def test_an_unknown_name_suggests_and_lists() -> None:
    models = parse_models(Profiles().raw("models"))
    with pytest.raises(UsageError) as caught:
        find_model(models, "SD-15")
    assert caught.value.code == "unknown-model"
    assert "Did you mean sd15" in str(caught.value.hint)
    assert "sdxl" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        find_model(models, "zzzzzz")
    assert "Did you mean" not in str(caught.value.hint)
    assert "sdxl" in str(caught.value.hint)
    assert find_model(models, "sdxl").model_class == "sdxl"
