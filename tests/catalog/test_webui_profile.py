"""The built-in webui.toml, and how a wrong one is refused."""

from __future__ import annotations

import re

import pytest

from sdsetup.catalog.files import Profiles
from sdsetup.catalog.reading import ProfileError
from sdsetup.catalog.webui import parse_webui
from sdsetup.errors import UsageError


def test_the_built_in_profile() -> None:
    webui = parse_webui(Profiles().raw("webui"))
    assert [repository.name for repository in webui.repositories] == [
        "stable-diffusion-webui-assets",
        "stable-diffusion-stability-ai",
        "generative-models",
        "k-diffusion",
        "BLIP",
    ]
    assert webui.tag == "v1.10.1"
    assert {file.save_as for file in webui.tokenizer} == {
        f"openai/clip-vit-large-patch14/{name}"
        for name in ("config.json", "vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json")
    }
    hub = [source for file in webui.tokenizer for source in file.sources if source.hub]
    assert len(hub) == len(webui.tokenizer)
    assert all(source.revision and len(source.revision) == 40 for source in hub)


def test_no_address_that_is_dead() -> None:
    webui = parse_webui(Profiles().raw("webui"))
    urls = [url for repository in webui.repositories for url in repository.urls]
    assert "https://github.com/Stability-AI/stablediffusion.git" not in urls


def test_constraints_only_bound_from_above() -> None:
    """An exact pin of what others bring along would one day not exist for some system."""
    environment = parse_webui(Profiles().raw("webui")).environment
    assert len(environment.constraints) > 50
    for line in environment.constraints:
        assert re.fullmatch(r"[a-z0-9-]+<=[0-9][0-9a-z.]*", line), line
    guards = {"certifi", "urllib3", "requests", "idna", "aiohttp", "pip"}
    assert not guards & {line.split("<=")[0] for line in environment.constraints}


def test_what_is_compiled_later_is_named_by_folder() -> None:
    environment = parse_webui(Profiles().raw("webui")).environment
    assert "transformers/models" in environment.compile_later
    assert all(re.fullmatch(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*", folder) for folder in environment.compile_later)


def test_another_commit_must_be_whole() -> None:
    webui = parse_webui(Profiles().raw("webui"))
    assert webui.at("0" * 40).commit == "0" * 40
    with pytest.raises(UsageError) as caught:
        webui.at("v1.9.4")
    assert caught.value.code == "ref-not-a-commit"


def test_every_problem_is_named_with_its_place() -> None:
    raw = Profiles().raw("webui")
    raw["webui"]["commit"] = "v1.10.1"
    raw["webui"]["urls"] = ["http://example.org/x.git"]
    raw["environment"]["extra"] = "clip"
    raw["environment"]["colour"] = "blue"
    raw["tokenizer"][0]["sha256"] = "abc"
    raw["repositories"][1]["name"] = "../up"
    del raw["python"]["wanted"]
    with pytest.raises(ProfileError) as caught:
        parse_webui(raw)
    text = "\n".join(caught.value.problems)
    for place in ("commit", "urls", "extra", "colour", "sha256", "name", "wanted"):
        assert place in text


@pytest.mark.parametrize("name", ["..", ".", ".git", "", "a/b", "a\\b", "C:x", "con", "x.", ".sdsetup"])
def test_names_that_leave_the_folder_are_all_refused_at_once(name: str) -> None:
    raw = Profiles().raw("webui")
    raw["repositories"][0]["name"] = name
    raw["tokenizer"][1]["save_as"] = f"openai/{name}" if name else name
    raw["environment"]["requirements"] = name
    raw["environment"]["compile_later"] = ["transformers/models", name]
    raw["webui"]["branch"] = "--upload-pack=touch x"
    with pytest.raises(ProfileError) as caught:
        parse_webui(raw)
    found = [problem.split(":")[1].strip() for problem in caught.value.problems]
    places = {"repositories[0].name", "tokenizer[1].save_as", "environment.requirements", "webui.branch"}
    if "/" not in name:
        assert places | {"environment.compile_later[1]"} <= set(found), found
    else:
        assert "repositories[0].name" in found
