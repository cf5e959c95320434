"""The catalogues against the source: no message that translators never see, none that says something else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parents[1]


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", ROOT / "tools" / "translations.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["translations"] = module
    spec.loader.exec_module(module)
    return module


tool = _tool()


@pytest.fixture(scope="module")
def source() -> Catalog:
    return tool.template()


def test_translators_see_every_sentence(source: Catalog) -> None:
    assert tool.UNSEEN == []
    assert "Nothing was changed." in source
    assert "{number} kB" in source, "marked by message()"
    places = {place for message in source for place, _ in message.locations}
    assert "sdsetup tune --help" in places
    assert {"profiles/doctor.toml", "profiles/flags.toml", "profiles/tuning/current.toml"} <= places
    assert any(place.startswith("profiles/failures/") for place in places)


def test_each_place_of_a_profile_that_is_named_holds_sentences(source: Catalog) -> None:
    places = {place for message in source for place, _ in message.locations}
    for pattern in tool.RULES["profiles"]:
        assert any(Path(place).match(f"profiles/{pattern}") for place in places), pattern


def test_a_text_of_an_unknown_expression_is_reported(tmp_path: Path) -> None:
    module = tmp_path / "some.py"
    module.write_text(
        '_AGAIN = "again"\n_WHY = {1: "one", 2: "two"}\n'
        'Text("Try " + _AGAIN)\nText(_WHY[n])\nText("a" if n else "b")\n'
        'Text.plural("{count} x", "{count} xs", count=n)\n'
        "Text(f'{n} cards')\nText(unknown)\n"
    )
    tool.UNSEEN.clear()
    found = [(one.text, one.many) for one in tool.in_module(module, "some.py")]
    assert found == [
        ("Try again", None),
        ("one", None),
        ("two", None),
        ("a", None),
        ("b", None),
        ("{count} x", "{count} xs"),
    ]
    assert [line.split(": ")[0] for line in tool.UNSEEN] == ["some.py:7", "some.py:8"]
    tool.UNSEEN.clear()


@pytest.mark.parametrize("language", tool.languages())
def test_a_translation_keeps_values_options_and_commands(language: str) -> None:
    assert list(tool.wrong(tool.read(language))) == []
    assert not tool.is_stale(language), "run: python tools/translations.py compile"


@pytest.mark.parametrize("language", tool.RULES["complete"])
def test_nothing_is_missing(language: str) -> None:
    left = [message.id for message in tool.missing(language)]
    assert left == [], f"run: python tools/translations.py update {language}"


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("{free} free", "свободно"),
        ("{size:.1f} left", "осталось {size}"),
        ("Use --model none", "Укажите --modell none"),
        ("Run `sdsetup doctor`", "Запустите `sdsetup докторов`"),
        (("{count} step", "{count} steps"), ("{count} шаг", "{count} шага", "шагов")),
        ("Put it into the folder", "Поместите его в каталог"),
        ("Free space", 'Свободное "место"'),
    ],
)
def test_what_differs_is_named(english: str | tuple[str, str], russian: str | tuple[str, ...]) -> None:
    catalog = Catalog(locale="ru")
    catalog.add(english, russian)
    assert len(list(tool.wrong(catalog))) == 1


def test_a_reworded_message_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tool, "LOCALE", tmp_path)
    before, now = Catalog(), Catalog()
    before.add("The folder is not empty")
    now.add("The folder isn't empty")
    now.add("{count} step", locations=[("a.py", 0)])
    monkeypatch.setattr(tool, "template", lambda: before)
    tool.update("ru")
    path = tool.po_of("ru")
    path.write_text(path.read_text().replace('empty"\nmsgstr ""', 'empty"\nmsgstr "Папка не пуста"'))
    assert list(tool.missing("ru")) == []
    monkeypatch.setattr(tool, "template", lambda: now)
    tool.update("ru")
    assert [message.id for message in tool.missing("ru")] == ["The folder isn't empty", "{count} step"]
    assert "#, fuzzy" in path.read_text(), "the old wording is kept as a start"


def test_a_part_that_is_filled_in_comes_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tool, "LOCALE", tmp_path)
    source = Catalog()
    source.add("Disk", locations=[("src/a.py", 0)])
    source.add("Folder", locations=[("profiles/b.toml", 0)])
    source.add(("{count} step", "{count} steps"), locations=[("src/a.py", 0)])
    monkeypatch.setattr(tool, "template", lambda: source)
    tool.update("ru")
    filled = tool.part("ru", "src/")
    assert "Folder" not in filled
    filled["Disk"].string = "Диск"
    filled["{count} step"].string = ("{count} шаг", "{count} шага", "{count} шагов")
    (tmp_path / "part.po").write_bytes(tool.written(filled))
    tool.take("ru", tmp_path / "part.po")
    assert tool.read("ru")["Disk"].string == "Диск"
    assert [message.id for message in tool.missing("ru")] == ["Folder"]
    assert list(tool.wrong(tool.read("ru"))) == []
