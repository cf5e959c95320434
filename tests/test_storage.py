from __future__ import annotations

from pathlib import Path

import pytest

from sdsetup.catalog.files import Profiles
from sdsetup.catalog.reading import ProfileError
from sdsetup.errors import SdsetupError
from sdsetup.storage import read_json, write_atomically, write_json


def test_an_overlay_changes_single_keys_of_single_entries(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text('[models.mine]\nfile = "x"\n', encoding="utf-8")
    built_in = Profiles().raw("models")
    laid_over = Profiles(tmp_path).raw("models")
    assert laid_over["models"]["mine"] == {"file": "x"}
    assert set(laid_over["models"]) == {*built_in.get("models", {}), "mine"}


def test_a_byte_order_mark_from_notepad_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_bytes(b"\xef\xbb\xbf[models.mine]\r\nfile = 'x'\r\n")
    assert Profiles(tmp_path).raw("models")["models"]["mine"]["file"] == "x"


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text("[models", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"models\.toml"):
        Profiles(tmp_path).raw("models")


def test_a_missing_profiles_folder_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(SdsetupError) as caught:
        Profiles(tmp_path / "nowhere")
    assert caught.value.code == "profiles-missing"


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "webui-user.sh"
    path.write_bytes(b"old")
    path.chmod(0o755)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o755
    assert [p.name for p in tmp_path.iterdir()] == ["webui-user.sh"]


def test_a_damaged_state_file_reads_as_none(tmp_path: Path) -> None:
    path = tmp_path / "state" / "machine.json"
    write_json(path, {"a": 1})
    assert read_json(path) == {"a": 1}
    path.write_text('{"a": 1', encoding="utf-8")
    assert read_json(path) is None
    assert read_json(tmp_path / "none.json") is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    ["x." * 50_000 + "y = 1", "# " + "x" * 10**6, "a = " + "[" * 1900, "\n".join(["# x"] * 400_000)],
    ids=["dotted", "line", "nested", "long"],
)
def test_a_profile_that_would_take_minutes_is_refused_at_once(text: str, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError, match=r"models\.toml"):
        Profiles(tmp_path).raw("models")


def test_a_name_that_is_no_utf_8_is_stored_and_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"path": "a\udcff"})
    assert read_json(tmp_path / "a.json") == {"path": "a\udcff"}


def test_the_error_of_a_write_names_the_file_that_a_person_knows(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        write_atomically(tmp_path / "missing" / "a.json", b"x")
    assert caught.value.filename == str(tmp_path / "missing" / "a.json")
