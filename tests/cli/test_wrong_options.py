"""Options that cannot be meant: exit code 2 (or 1), one thing to do, nothing done."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

import pytest
from urllib3 import exceptions

from documents import document
from sdsetup.cli.app import COMMANDS, run
from sdsetup.decide.refusals import refuse_tuning
from sdsetup.errors import SdsetupError
from sdsetup.machine.web_errors import broken
from sdsetup.show.commands import as_typed
from sdsetup.values.tuning import Tuning


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("tune", "--gpu", "no such card"), "gpu-unknown", 2),
        (("tune", "--gpu", "580"), "gpu-ambiguous", 2),
        (("tune", "--vram", "8", "--profile", "fastest"), "profile-unknown", 2),
        (("tune", "--vram", "8", "--profile", "../current"), "profile-unknown", 2),
        (("install", "--dry-run", "--launcher", "ps1"), "launcher-unknown", 2),
        (("tune", "--vram", "8\0"), "option-not-text", 2),
        (("-v", "doctor"), "option-order", 2),
        (("doctor", "--dir", "~nobody-has-this-name/sd"), "no-such-user", 2),
        (("doctor", "--fix", "--facts", "any.json"), "options-exclude", 2),
        (("schema", "doctor/1"), "schema-unknown", 2),
    ],
)
def test_one_document_and_an_exit_code(
    words: tuple[str, ...], code: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(list(words)) == exit_code
    shown = capsys.readouterr()
    assert f"code: {code}" in shown.err and "fix: " in shown.err
    if words[0] != "schema":  # it has no --json: what it prints is JSON
        assert run([*words, "--json"]) == exit_code
        assert document(capsys.readouterr().out)["code"] == code


def test_a_report_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "report.json"
    there.write_text("mine")
    assert run(["report", "--out", str(there), "--dir", str(tmp_path)]) == 1
    assert "code: file-exists" in capsys.readouterr().err
    assert there.read_text() == "mine"


def test_a_summary_of_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no doctor's answer")
    assert run(["fleet", "summary", str(tmp_path)]) == 2
    assert "code: fleet-no-files" in capsys.readouterr().err


def test_a_kit_for_another_system_without_its_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = "linux" if sys.platform == "win32" else "windows"
    assert run(["kit", "make", str(tmp_path / "kit"), "--for", other, "--yes"]) == 2
    assert "code: kit-needs-gpu" in capsys.readouterr().err
    assert not (tmp_path / "kit").exists()


def test_a_folder_that_holds_no_kit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, said in ((tmp_path, "No kit in this folder"), (tmp_path / "gone", "There is no such folder")):
        assert run(["kit", "check", str(folder)]) == 1
        shown = capsys.readouterr().err
        assert "code: kit-missing" in shown and said in shown


def test_no_torch_for_this_machine() -> None:
    with pytest.raises(SdsetupError) as caught:
        refuse_tuning(Tuning(profile="current", tier=None, gpu=None, flags=(), env=(), torch=None))
    assert caught.value.code == "no-torch-build"


def test_an_encrypted_connection_that_does_not_come_about() -> None:
    assert broken(exceptions.SSLError(ssl.SSLError("wrong version number")), "host", None).code == "tls-failed"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_named_as_it_is_typed_here(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who started us by a starter has no `sdsetup` on PATH."""
    monkeypatch.setenv("SDSETUP_COMMAND", "./sdsetup.sh")
    assert as_typed(f"Then: sdsetup {command} --help") == f"Then: ./sdsetup.sh {command} --help"
