"""The installed wheel in a Windows CPython 3.10: what it says, in letters a pipe can take, and a rehearsal."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import KIT, QUIET, Sdsetup, reset_registry, windows_path
from sdsetup.launchfile import grouped, read

REHEARSED = "C:\\users\\root\\AppData\\Local\\sdsetup\\Cache\\rehearsal\\webui"


@pytest.fixture
def rtx3060(bench: Any) -> Iterator[None]:
    """Registry facts of a Windows 11 machine with an RTX 3060 and its driver 551.52."""
    scene = KIT / "scenes" / "win11-rtx3060.reg"
    subprocess.run(["wine", "reg", "import", windows_path(scene)], env=bench.wine_env(), check=True, **QUIET)
    yield
    reset_registry(bench)


def test_doctor_tells_the_machine(sdsetup: Sdsetup, rtx3060: None) -> None:
    ended = sdsetup("doctor --json")
    told = json.loads(ended.out)
    assert told["schema"] == "sdsetup.doctor/1"
    assert ended.rc == (0 if told["ok"] else 1)
    status = {check["id"]: check["status"] for check in told["checks"]}
    wanted = "os python git gpu driver memory pagefile cpu disk folder port network webui"
    assert set(wanted.split()) <= set(status)
    assert status["os"] in ("ok", "warn")
    assert status["python"] == "ok"
    assert "Traceback" not in ended.err
    cards = [card["name"] for card in told["machine"]["gpus"]]
    assert any("RTX 3060" in card for card in cards), cards


def test_tune_answers_for_a_card(sdsetup: Sdsetup) -> None:
    ended = sdsetup('tune --gpu "RTX 3060" --vram 12 --json')
    told = json.loads(ended.out)
    assert (ended.rc, told["schema"], told["torch"]["family"]) == (0, "sdsetup.tune/1", "cu121-2.1")
    assert "--xformers" in told["flags"]
    assert told["launcher"].startswith("@echo off\r\n")
    unknown = json.loads(sdsetup("tune --vram 8 --json").out)
    assert set(unknown["flags"]) == {"--xformers", "--medvram", "--no-half-vae"}


COMMANDS = [
    "--help",
    "doctor --dir C:\\\u043c\u043e\u0434\u0435\u043b\u0438\\\u8868\u793a",
    'tune --gpu "RTX 5060 Ti" --vram 16 --verbose',
    "why --medvram",
    "install --dry-run --dir C:\\\u043c\u043e\u0434\u0435\u043b\u0438",
    "model list",
    "model import C:\\\u043d\u0435\u0442\\x.safetensors",
    "report --json",
]


@pytest.mark.parametrize(
    ("command", "page"),
    [
        *((command, "866") for command in COMMANDS),
        *((command, page) for command in COMMANDS[1:3] for page in ("437", "932")),
    ],
    indirect=["page"],
)
def test_everything_prints_in_a_narrow_pipe(sdsetup: Sdsetup, page: tuple[str, str | None], command: str) -> None:
    """In a country's own pipe, and that in the old console's letters (PYTHONIOENCODING, errors strict)."""
    encoding, country = page
    ended = sdsetup(command, locale=country, PYTHONIOENCODING=encoding)
    assert ended.rc in (0, 1), ended
    assert len(ended.out + ended.err) > 50
    if command == "report --json":
        assert json.loads(ended.out)["schema"].startswith("sdsetup.report/")
        return  # it carries the last logs, whatever is in them
    for words in ("Traceback", "UnicodeEncodeError", "charmap", "Internal error"):
        assert words not in ended.out + ended.err, ended


SPOKEN = [
    "--help",
    "doctor --dir C:\\\u043c\u043e\u0434\u0435\u043b\u0438",
    'tune --gpu "RTX 3060" --vram 12',
    "install --dry-run --dir C:\\\u043c\u043e\u0434\u0435\u043b\u0438",
    "model import C:\\\u043d\u0435\u0442\\x.safetensors",
]


@pytest.mark.parametrize("command", SPOKEN)
def test_russian_is_whole_in_the_letters_of_a_russian_console(sdsetup: Sdsetup, command: str) -> None:
    """Code page 866 has Cyrillic and no typographic quotation marks or dashes."""
    ended = sdsetup(command, locale="ru_RU", encoding="cp866", PYTHONIOENCODING="cp866")
    said = ended.out + "".join(line for line in ended.err.splitlines(keepends=True) if "wine: " not in line)
    assert len(re.findall("[а-яё]{4}", said)) > 5, said
    assert "?" not in said, said


def test_the_rehearsal_runs_to_its_end(sdsetup: Sdsetup, git_exe: str, bench: Any) -> None:
    """Real git behind a stand-in for git.exe, real uv.exe, real HTTP; then the launch file in a real cmd."""
    folder = bench.host_path(REHEARSED)
    shutil.rmtree(folder.parent, ignore_errors=True)
    ended = sdsetup("install --rehearse --yes", timeout=280, WINEPATH=git_exe)
    assert ended.rc == 0, (ended.out[-3000:], ended.err[-3000:])
    assert "rehears" in ended.out.lower()
    assert (folder / "venv" / "Scripts" / "python.exe").is_file()
    assert list((folder / ".sdsetup" / "proof").glob("*.png"))
    assert list((folder / "models" / "Stable-diffusion").glob("*.safetensors"))
    content = (folder / "webui-user.bat").read_bytes()
    for country, encoding in [(None, "cp437"), ("ru_RU", "cp866"), ("ja_JP", "cp932")]:
        told = bench.run_bat(content, locale=country, how="explorer", at="C:\\AI (x86)\\sd")
        seen = read("bat", content, encoding=encoding, environment={}, folder="C:\\AI (x86)\\sd")
        assert told["called"], told
        assert grouped(shlex.split(told["env"]["COMMANDLINE_ARGS"])) == grouped(seen.flags)
        assert {name: told["env"].get(name) for name in seen.env} == seen.env
    again = sdsetup("install --rehearse --yes", timeout=280, WINEPATH=git_exe)
    assert again.rc == 0, again
    assert content == (folder / "webui-user.bat").read_bytes()
