"""Sentences in another language than English: plural forms, numbers, and words inside of values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalogues import catalogue
from sdsetup.show import language
from sdsetup.show.words import duration, gib, say, size
from sdsetup.text import Listed, Text, all_of, message, one_of, rounded

RUSSIAN = {
    ("{count} warning", "{count} warnings"): (
        "{count} предупреждение",
        "{count} предупреждения",
        "{count} предупреждений",
    ),
    "{first} and {last}": "{first} и {last}",
    "{first} or {last}": "{first} или {last}",
    "{number} GB": "{number} ГБ",
    "{minutes} min {seconds:02d} s": "{minutes} мин {seconds:02d} с",
    "1.5": "1,5",
    "the processor": "процессор",
    "was {before}, is {now}": "было: {before}, стало: {now}",
    "made in {seconds:.1f} s": "готово за {seconds:.1f} с",
}


@pytest.fixture
def russian() -> Iterator[None]:
    language.speak("ru", catalogue("ru", RUSSIAN))
    yield
    language.speak("en")


def warnings(count: int) -> Text:
    return Text.plural("{count} warning", "{count} warnings", count=count)


@pytest.mark.parametrize(
    ("count", "english", "russian_text"),
    [
        (0, "0 warnings", "0 предупреждений"),
        (1, "1 warning", "1 предупреждение"),
        (2, "2 warnings", "2 предупреждения"),
        (11, "11 warnings", "11 предупреждений"),
        (21, "21 warnings", "21 предупреждение"),
    ],
)
def test_each_language_has_its_plural_forms(count: int, english: str, russian_text: str) -> None:
    assert say(warnings(count)) == str(warnings(count)) == english
    language.speak("ru", catalogue("ru", RUSSIAN))
    try:
        assert say(warnings(count)) == russian_text
        assert str(warnings(count)) == english, "JSON and logs stay English"
    finally:
        language.speak("en")


@pytest.mark.usefixtures("russian")
def test_numbers_have_the_mark_of_the_language() -> None:
    assert size(4_270_000_000) == "4,27 ГБ"
    assert gib(6 * 2**30) == "6 ГБ"
    assert duration(185) == "3 мин 05 с"
    assert say(Text("made in {seconds:.1f} s", seconds=7.25)) == "готово за 7,2 с"
    assert say(Text("{version}", version="3.10")) == "3.10", "a version is no number"
    assert rounded(1.234, 1) == "1.2"


@pytest.mark.usefixtures("russian")
def test_words_of_ours_inside_of_a_sentence_are_translated_and_names_are_not() -> None:
    change = Text("was {before}, is {now}", before=message("the processor"), now="the processor")
    assert say(change) == "было: процессор, стало: the processor"
    assert say(all_of(["a", message("the processor")])) == "a и процессор"
    assert say(one_of(["a", "b", "c"])) == "a, b или c"
    assert say(Text("{all}", all=Listed([warnings(2), "x"]))) == "2 предупреждения, x"
    assert str(one_of(["a", "b", "c"])) == "a, b or c"


@pytest.mark.usefixtures("russian")
def test_what_is_not_translated_is_english() -> None:
    assert say(Text("No such sentence in the catalogue: {x}", x=1)) == "No such sentence in the catalogue: 1"
    assert say(Text("")) == "", "an empty message has the catalogue's header as its translation"
