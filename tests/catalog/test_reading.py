"""Profiles are read whole: every problem at once, each with its path."""

from __future__ import annotations

import pytest

from sdsetup.catalog.reading import ProfileError, Reader

GOOD = {
    "name": "sd15",
    "size": 4265146304,
    "sha256": "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa",
    "url": "https://example.org/x",
    "rank": 1.5,
    "on": True,
    "tags": ["a", "b"],
    "inner": {"depth": 2},
    "sources": [{"url": "https://example.org/1"}, {"url": "http://127.0.0.1:8000/2"}],
}


def test_a_good_table_reads_without_problems() -> None:
    reader = Reader(GOOD, "models.toml")
    assert reader.text("name") == "sd15"
    assert reader.integer("size") == 4265146304
    assert reader.sha256("sha256").startswith("6ce0")
    assert reader.url("url") == "https://example.org/x"
    assert reader.number("rank") == 1.5
    assert reader.boolean("on") is True
    assert reader.texts("tags") == ("a", "b")
    assert reader.table("inner").integer("depth") == 2
    assert [source.url("url") for source in reader.tables("sources")][1] == "http://127.0.0.1:8000/2"
    assert reader.text("absent", None) is None
    assert reader.texts("absent", ("x",)) == ("x",)
    reader.no_other_keys()
    reader.finish()


def test_five_mistakes_are_named_together_with_their_paths() -> None:
    raw = {
        "models": {
            "sd15": {
                "file": 3,
                "size": "4 GB",
                "sha256": "abc",
                "colour": "red",
                "sources": [{"url": "http://example.org/x"}],
            }
        }
    }
    top = Reader(raw, "models.toml")
    model = top.table("models").table("sd15")
    model.text("file")
    model.integer("size")
    model.sha256("sha256")
    for source in model.tables("sources"):
        source.url("url")
    model.no_other_keys()
    with pytest.raises(ProfileError) as caught:
        top.finish()
    assert caught.value.problems == (
        "models.toml: models.sd15.file: expected text, found a whole number (3)",
        "models.toml: models.sd15.size: expected a whole number, found text ('4 GB')",
        "models.toml: models.sd15.sha256: expected 64 hexadecimal digits, found 'abc'",
        (
            "models.toml: models.sd15.sources[0].url: 'http://example.org/x' must start with https:// "
            "(http:// only for loopback addresses)"
        ),
        "models.toml: models.sd15.colour: unknown key",
    )
    assert caught.value.exit_code == 1
    assert "sources[0].url" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "getter"),
    [
        ("n", True, "integer"),
        ("n", "x", "boolean"),
        ("n", 1, "texts"),
        ("n", [1], "texts"),
        ("n", "z", "commit"),
        ("n", [], "table"),
        ("n", {}, "tables"),
        ("n", "", "text"),
    ],
)
def test_each_wrong_kind_is_a_problem(key: str, value: object, getter: str) -> None:
    reader = Reader({key: value}, "x.toml")
    getattr(reader, getter)(key)
    assert len(reader.problems) == 1
    assert reader.problems[0].startswith("x.toml: n")


def test_a_choice_outside_its_options_is_a_problem() -> None:
    reader = Reader({"os": "beos"}, "x.toml")
    reader.choice("os", ("windows", "linux"))
    assert reader.problems == ["x.toml: os: 'beos' is not one of windows, linux"]
