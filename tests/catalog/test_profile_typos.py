"""A misspelled key or file name of a profile is never silently without effect: in any table of any profile."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import Profiles, built_in_profiles
from sdsetup.catalog.reading import ProfileError
from sdsetup.cli.app import run

NAMES = sorted(
    {
        name.with_suffix("").as_posix() if name.parts[0] == "tuning" else name.parts[0].removesuffix(".toml")
        for name in (path.relative_to(built_in_profiles()) for path in built_in_profiles().rglob("*.toml"))
    }
    - {"vulnerable"}  # of tools/audit.py: no run of the program reads it
)


class Changed(Profiles):
    """The built-in profiles with one of them changed."""

    def __init__(self, name: str, table: dict[str, Any]) -> None:
        super().__init__()
        self._changed = name, table

    def raw(self, name: str) -> dict[str, Any]:
        return self._changed[1] if name == self._changed[0] else super().raw(name)


def parsed(name: str, files: Profiles) -> None:
    """Parse one profile as a run does."""
    catalog = Catalog(files)
    if name.startswith("tuning/"):
        catalog.rules(name.partition("/")[2])
    else:
        getattr(catalog, name)


def tables(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every table; of entries that are alike (two cards, two sources) the first."""
    if isinstance(value, dict):
        yield path
        alike = len(value) > 3 and all(isinstance(inner, dict) for inner in value.values())
        for key in list(value)[:1] if alike and path else value:
            yield from tables(value[key], (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:1]):
            yield from tables(inner, (*path, number))


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelled_key_in_any_table(name: str) -> None:
    good = Profiles().raw(name)
    parsed(name, Changed(name, good))
    for path in tables(good):
        bad = copy.deepcopy(good)
        table: Any = bad
        for part in path:
            table = table[part]
        table["mispeled"] = 4711
        with pytest.raises(ProfileError) as caught:
            parsed(name, Changed(name, bad))
        assert "mispeled" in str(caught.value), path


@pytest.mark.parametrize(
    ("file", "guess"),
    [
        ("modles.toml", "models.toml"),
        ("Doctor.toml", "doctor.toml"),
        ("doctor.toml.txt", "doctor.toml"),
        ("doctor.tml", "doctor.toml"),
        ("Tuning/current.toml", "tuning/current.toml"),
        ("tuning/mine.toml.txt", "tuning"),
        ("tuning.toml", "tuning/current.toml"),
        ("zzzzzzzz.toml", "The profiles are"),
    ],
)
def test_a_misspelled_file(tmp_path: Path, file: str, guess: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    assert run(["model", "list", "--profiles", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "profile-invalid" in said and guess in said and file in said


def test_what_may_lie_beside_them(tmp_path: Path) -> None:
    (tmp_path / "tuning").mkdir()
    for name in (
        "README.md",
        "notes.txt",
        "doctor.toml.bak",
        ".git",
        "tuning/mine.toml",
        "gpus.toml",
        "failures.toml",
    ):
        (tmp_path / name).write_text("")
    Profiles(tmp_path)
