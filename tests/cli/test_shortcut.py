"""`sdsetup shortcut`: made with consent, told by `status`, taken away with the installation; never another's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from documents import document
from installations import installation
from machines import RecordedMachine
from sdsetup.cli.app import run
from sdsetup.execute import shortcut
from sdsetup.execute.shortcut import folder_in, shortcuts_of, write_shortcut
from sdsetup.machine.real import RealMachine
from sdsetup.values.layout import WEBUI_MARKS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="tests/windows makes a .lnk")

NAMES = ("webui", "AI (x86)", "Игры и картинки", 'it\'s "100%" `$HOME` \\ & done')


def web_ui(place: Path) -> Path:
    folder = installation(place)
    for name in WEBUI_MARKS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


def menu(home: Path) -> Path:
    return home / (Path("Applications") if sys.platform == "darwin" else Path(".local", "share", "applications"))


def argv_of(entry: Path) -> list[str]:
    """What a desktop makes of the entry: the rules of the desktop entry specification, in their order."""
    line = re.search(r"^Exec=(.*)$", entry.read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    value = line[1].replace("\\\\", "\0").replace("\0", "\\")
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    return [re.sub(r"\\(.)", r"\1", word).replace("%%", "%") for word in words]


@pytest.mark.skipif(sys.platform == "darwin", reason="a .desktop file")
@pytest.mark.parametrize("name", NAMES)
def test_the_entry_starts_this_installation(
    own_home: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = web_ui(tmp_path / name)
    assert run(["shortcut", "--dir", str(folder)]) == 2, "nobody is there to agree"
    assert not menu(own_home).exists()
    capsys.readouterr()
    assert run(["shortcut", "--dir", str(folder), "--yes", "--json"]) == 0
    said = document(capsys.readouterr().out)
    entry = Path(said["files"][0])
    assert entry.parent == menu(own_home) and os.access(entry, os.X_OK)
    assert argv_of(entry) == [sys.executable, "-m", "sdsetup", "launch", "--dir", str(folder), "--wait"]
    assert folder_in(entry) == folder
    if validate := shutil.which("desktop-file-validate"):
        done = subprocess.run([validate, str(entry)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    before = entry.read_bytes()
    assert run(["shortcut", "--dir", str(folder), "--yes"]) == 0
    assert entry.read_bytes() == before and len(list(menu(own_home).iterdir())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_script_for_the_finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(shortcut, "home_of", lambda place: tmp_path / place)
    folder = tmp_path / name
    machine = RecordedMachine(family="macos")
    file = write_shortcut("desktop", folder, [sys.executable, "-c", "import sys; print(sys.argv[1:])"], machine)
    assert file.name == "Stable Diffusion web UI.command"
    done = subprocess.run([str(file)], capture_output=True, text=True)
    assert done.stdout.strip() == str(["launch", "--dir", str(folder), "--wait"])
    assert shortcuts_of(folder, machine) == (file,)


def test_two_installations_another_file_and_one_that_is_gone(
    own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = web_ui(tmp_path / "one" / "webui"), web_ui(tmp_path / "two" / "webui")
    assert run(["shortcut", "--dir", str(first), "--yes"]) == 0
    assert run(["shortcut", "--dir", str(second), "--yes"]) == 0
    assert {folder_in(entry) for entry in menu(own_home).iterdir()} == {first, second}
    (own,) = shortcuts_of(first, RealMachine())
    drive = first.parent.rename(tmp_path / "unplugged")
    fourth = web_ui(tmp_path / "four")
    assert run(["shortcut", "--dir", str(fourth), "--yes"]) == 0
    assert folder_in(own) == first, "the drive may come back"
    assert run(["shortcut", "--dir", str(fourth), "--remove", "--yes"]) == 0
    drive.rename(first.parent)
    shutil.rmtree(second)
    third = web_ui(tmp_path / "three")
    assert run(["shortcut", "--dir", str(third), "--yes"]) == 0
    assert {folder_in(entry) for entry in menu(own_home).iterdir()} == {first, third}
    own.write_text("[Desktop Entry]\nName=mine\n")
    assert run(["shortcut", "--dir", str(first), "--yes"]) == 0
    assert own.read_text() == "[Desktop Entry]\nName=mine\n"
    assert run(["shortcut", "--dir", str(first), "--remove", "--yes"]) == 0
    assert {folder_in(entry) for entry in menu(own_home).iterdir()} == {None, third}
    capsys.readouterr()
    assert run(["shortcut", "--dir", str(first), "--remove", "--json"]) == 0
    assert document(capsys.readouterr().out)["files"] == []


def test_on_the_desktop_and_told_by_status(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = web_ui(tmp_path / "webui")
    assert run(["status", "--dir", str(folder)]) == 0
    assert "sdsetup shortcut --dir" in capsys.readouterr().out
    assert run(["shortcut", "--dir", str(folder), "--desktop", "--yes"]) == 0
    (made,) = (own_home / "Desktop").iterdir()
    capsys.readouterr()
    assert run(["status", "--dir", str(folder), "--json"]) == 0
    assert document(capsys.readouterr().out)["installations"][0]["shortcuts"] == [str(made)]


def test_what_cannot_be(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["shortcut", "--dir", str(tmp_path / "nothing"), "--yes"]) == 1
    assert "code: webui-missing" in capsys.readouterr().err
    folder = web_ui(tmp_path / "two\nlines")
    assert run(["shortcut", "--dir", str(folder), "--yes"]) == 1
    assert "code: shortcut-letters" in capsys.readouterr().err
    folder = web_ui(tmp_path / "webui")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "uv" / "archive-v0" / "x"))
    assert run(["shortcut", "--dir", str(folder), "--yes"]) == 1
    assert "code: no-lasting-program" in capsys.readouterr().err
    assert not menu(own_home).exists()


def test_the_folder_is_read_from_a_windows_link(tmp_path: Path) -> None:
    said = "made by sdsetup for C:\\AI (x86)\\тест"
    text = len(said).to_bytes(2, "little") + said.encode("utf-16-le")
    after = (9).to_bytes(2, "little") + "C:\\webui\\".encode("utf-16-le")
    file = tmp_path / "Stable Diffusion web UI.lnk"
    file.write_bytes(b"L\0\0\0" + bytes(72) + text + after)
    assert str(folder_in(file)) == "C:\\AI (x86)\\тест"
    counted = (len(said) + 1).to_bytes(2, "little") + said.encode("utf-16-le") + b"\0\0"
    file.write_bytes(b"L\0\0\0" + bytes(72) + counted + after)  # as Wine writes it
    assert str(folder_in(file)) == "C:\\AI (x86)\\тест"
    file.write_bytes(b"L\0\0\0" + bytes(72) + after)
    assert folder_in(file) is None


def test_it_goes_with_the_installation(own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = web_ui(tmp_path / "webui")
    (folder / ".sdsetup").mkdir()
    (folder / ".sdsetup" / "journal.json").write_text('{"schema": "sdsetup.journal/1", "entries": {}}')
    assert run(["shortcut", "--dir", str(folder), "--yes"]) == 0
    (made,) = menu(own_home).iterdir()
    capsys.readouterr()
    assert run(["uninstall", "--dir", str(folder), "--dry-run", "--json"]) == 0
    assert str(made) in [item["path"] for item in document(capsys.readouterr().out)["goes"]]
    assert made.exists()
    assert run(["uninstall", "--dir", str(folder), "--yes"]) == 0
    assert not made.exists()
