"""What a log does not name has words that fit into each sentence, in every complete language."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from sdsetup.catalog.failures import FailureBook, parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.decide.diagnosis import read_log
from sdsetup.show import language
from sdsetup.show.words import say

BOOK: FailureBook = parse_failures(Profiles().raw("failures"), "failures.toml")
# By stems, for the sake of endings; what is filled in stands in brackets.
_TWICE = re.compile(r"\b(\w{4})\w* \[(?:the |an? )?\1", re.IGNORECASE)


@pytest.fixture(params=["en", "ru"])
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    language.speak(request.param)
    yield request.param
    language.speak("en")


def test_nothing_is_called_by_its_kind_twice(spoken: str) -> None:
    """Not "the server the server"."""
    unnamed = {name: f"[{language.in_language(words)}]" for name, words in BOOK.unnamed.items()}
    for failure in BOOK.failures:
        for template in (failure.cause, failure.fix):
            said = language.in_language(template).format_map(defaultdict(lambda: "…", unnamed))
            assert not _TWICE.search(said), said


_SCRIPT = r"""
*** Error loading script: ui.py
    Traceback (most recent call last):
      File "C:\sd\modules\scripts.py", line 515, in load_scripts
        script_module = script_loading.load_module(scriptfile.path)
    ModuleNotFoundError: No module named 'imageio_ffmpeg'
"""


@pytest.mark.parametrize("spoken", ["ru"], indirect=True)
@pytest.mark.parametrize(
    ("log", "russian"),
    [
        (_SCRIPT, "Расширение со скриптом ui.py"),
        (
            "C:\\Users\\anna>format /x\n'format' is not recognized as an internal or external command,\n",
            "команда в терминале",
        ),
    ],
)
def test_words_of_ours_inside_a_finding_are_translated(log: str, russian: str, spoken: str) -> None:
    read = read_log(log, BOOK)
    found = read.diagnosis or read.notes[0]
    assert russian in say(found.cause)


def test_an_extension_that_begins_a_sentence_begins_it_in_each_language(spoken: str) -> None:
    """Its name comes with a capital there, and only there."""
    for failure in BOOK.failures:
        said = language.in_language(failure.cause)
        assert said.startswith("{extension}") is failure.cause.startswith("{extension}"), said
