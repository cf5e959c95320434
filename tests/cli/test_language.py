"""Which language a command speaks: asked for, set, or the system's; JSON always English."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import catalogues
from sdsetup.cli.app import run
from sdsetup.cli.language import HELP_WORDS, library_error
from sdsetup.machine import language as machine_language
from sdsetup.machine.language import system_language
from sdsetup.show import language
from sdsetup.text import Text

RUSSIAN = {
    "Usage:": "Использование:",
    "Options": "Параметры",
    "[OPTIONS]": "[ПАРАМЕТРЫ]",
    "Show this message and exit.": "Показать эту справку.",
    "default: {value}": "по умолчанию: {value}",
    "Error: {what}": "Ошибка: {what}",
    "There is no option {name}.{more}": "Нет параметра {name}.{more}",
    " Similar options: {names}": " Похожие: {names}",
    "For help: {command}": "Справка: {command}",
    "{value} is not a memory size": "{value} — не объём памяти",
    '"{value}" is not a memory size': "«{value}» — не объём памяти",
}


@pytest.fixture
def russian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small Russian catalogue is installed, and no other."""
    catalogues.install(tmp_path / "locale", "ru", RUSSIAN)
    monkeypatch.setattr(language, "FOLDER", tmp_path / "locale")
    yield
    language.speak("en")


@pytest.mark.usefixtures("russian")
@pytest.mark.parametrize(
    "words",
    [
        ("--lang", "ru", "tune", "--vram", "eight"),
        ("tune", "--vram", "eight", "--lang=ru"),
        ("tune", "--lang", "ru_RU.UTF-8", "--vram", "eight"),
    ],
)
def test_the_option_stands_anywhere(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "«eight» — не объём памяти" in capsys.readouterr().err


@pytest.mark.usefixtures("russian")
def test_the_variable_is_asked_before_the_system_and_after_the_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sdsetup.cli.language.system_language", lambda: "ru_RU")
    for variable, words, expected in (
        ("", (), "«eight»"),
        ("en", (), '"eight"'),
        ("en", ("--lang", "ru"), "«eight»"),
        ("ru", ("--lang", "en"), '"eight"'),
    ):
        monkeypatch.setenv("SDSETUP_LANG", variable)
        assert run(("tune", "--vram", "eight", *words)) == 2
        assert expected in capsys.readouterr().err


@pytest.mark.usefixtures("russian")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--lang", "xx"), "language-unknown"),
        (("--lang=klingon",), "language-unknown"),
        (("--lang",), "option-value"),
    ],
)
def test_an_unknown_language_is_refused_with_those_there_are(
    words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(("doctor", *words)) == 2
    shown = capsys.readouterr().err
    assert "en, ru" in shown and f"code: {code}" in shown


@pytest.mark.usefixtures("russian")
def test_a_system_without_a_catalogue_is_spoken_to_in_english(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SDSETUP_LANG")
    monkeypatch.setattr("sdsetup.cli.language.system_language", lambda: "de_DE.UTF-8")
    assert run(("tune", "--vram", "eight")) == 2
    assert "is not a memory size" in capsys.readouterr().err


@pytest.mark.usefixtures("russian")
def test_json_stays_english(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("tune", "--vram", "eight", "--json", "--lang", "ru")) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["message"] == '"eight" is not a memory size'
    assert "«eight»" in shown.err


@pytest.mark.usefixtures("russian")
def test_commands_to_paste_carry_the_option_and_not_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for variable, words, carried in (("ru", (), ""), ("en", ("--lang", "ru_RU"), " --lang ru")):
        monkeypatch.setenv("SDSETUP_LANG", variable)
        assert run(("verify", "--dir", str(tmp_path), *words)) == 1
        commands = [line.strip() for line in capsys.readouterr().err.splitlines() if "sdsetup install" in line]
        assert commands == [f"sdsetup install --dir {tmp_path}{carried}"]


@pytest.mark.usefixtures("russian")
def test_help_of_every_command_names_the_languages(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("install",), ("model", "get"), ("schema",)):
        assert run((*words, "--help")) == 0
        assert capsys.readouterr().out.rstrip().endswith("To choose the language, add --lang en or --lang ru.")


@pytest.mark.usefixtures("russian")
def test_help_and_the_library_s_own_words_are_translated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("install", "--help", "--lang", "ru")) == 0
    shown = capsys.readouterr().out
    for part in (
        "Использование: sdsetup install [ПАРАМЕТРЫ]",
        "Параметры:",
        "Показать эту",
        "[по умолчанию: current]",
    ):
        assert part in shown, shown
    assert run(("install", "--modle", "x", "--lang", "ru")) == 2
    shown = capsys.readouterr().err
    assert "Справка: sdsetup install -h" in shown
    assert "Ошибка: Нет параметра --modle. Похожие: " in shown
    assert run(("install", "--help")) == 0
    assert "Usage: sdsetup install [OPTIONS]" in capsys.readouterr().out, "the next run is English again"


@pytest.mark.usefixtures("russian")
def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("model",)) == 2
    shown = capsys.readouterr().err
    assert "\\n" not in shown and "\n  list " in shown


@pytest.mark.parametrize(
    "words",
    [
        ("bogus",),
        ("tune", "--foo"),
        ("tune", "--vram"),
        ("why",),
        ("undo", "--to", "abc"),
        ("undo", "--to", "0"),
        ("undo", "a", "b"),
        ("undo", "--yes=1"),
    ],
)
def test_every_error_of_the_library_has_a_sentence_of_ours(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the next version of the library words differently would be English in every language."""
    said: list[object] = []
    worded = "sdsetup.cli.language._worded"
    from sdsetup.cli import language as cli_language

    real = cli_language._worded
    monkeypatch.setattr(worded, lambda english: said.append(real(english)) or said[-1])
    monkeypatch.setattr("sdsetup.cli.language.language.current", lambda: "ru")
    assert run(words) == 2
    assert capsys.readouterr().err
    assert any(isinstance(one, Text) for one in said), said


def test_the_words_of_help_are_those_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("--help",)) == 0
    assert run(("model", "get", "--help")) == 0
    assert run(("kit", "--help")) == 0
    shown = capsys.readouterr().out
    assert [word for word in HELP_WORDS if word not in shown] == []
    assert library_error("as it is") == "as it is"


@pytest.mark.skipif(sys.platform == "win32", reason="asks Windows itself")
def test_the_system_says_it_in_the_order_of_posix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_language.sys, "platform", "linux")
    assert system_language({"LC_ALL": "", "LC_MESSAGES": "ru_RU.UTF-8", "LANG": "en_US.UTF-8"}) == "ru_RU.UTF-8"
    assert system_language({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}) == "C"
    assert system_language({}) is None
    monkeypatch.setattr(machine_language.sys, "platform", "darwin")
    preferences = tmp_path / "Library" / "Preferences"
    preferences.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert system_language({}) is None
    (preferences / ".GlobalPreferences.plist").write_bytes(plistlib.dumps({"AppleLanguages": ["ru-RU", "en"]}))
    assert system_language({"LANG": "C.UTF-8"}) == "ru-RU"
    assert language.language_of("ru-RU") in ("ru", None)


def test_the_starter_speaks_the_same_language(tmp_path: Path) -> None:
    """It runs before anything of ours is installed, with any Python."""
    project = tmp_path / "project"
    (project / "bootstrap").mkdir(parents=True)
    starter = project / "bootstrap" / "start.py"
    starter.write_bytes((Path(__file__).parents[2] / "bootstrap" / "start.py").read_bytes())
    english = "A part of sdsetup's own folder is missing.\nwhere: {path}\n"
    english += "fix: extract or clone the whole project again, then start it from there."
    catalogues.install(project / "src" / "sdsetup" / "locale", "ru", {english: "Нет файла {path}"})

    def said(*words: str, **variables: str) -> str:
        env = {**os.environ, "SDSETUP_DATA_DIR": str(tmp_path / "data"), "PYTHONIOENCODING": "utf-8", **variables}
        started = subprocess.run(
            [sys.executable, "-I", "-X", "utf8", str(starter), *words], env=env, capture_output=True
        )
        assert started.returncode == 1
        return started.stderr.decode("utf-8")

    assert said("--lang", "ru").startswith("Нет файла ")
    assert said("doctor", "--lang=ru-RU").startswith("Нет файла ")
    assert said(SDSETUP_LANG="ru").startswith("Нет файла ")
    assert said("--lang", "en", SDSETUP_LANG="ru").startswith("A part of")
    if sys.platform != "win32":
        assert said(SDSETUP_LANG="", LC_ALL="ru_RU.UTF-8").startswith("Нет файла ")
