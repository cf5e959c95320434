"""Extensions and what they ask for, read from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdsetup.machine.real import RealMachine
from sdsetup.probe.extensions import parse_fights, read_extensions
from sdsetup.values.extensions import Fight

PINS = {"numpy": "1.26.2", "protobuf": "3.20.0", "opencv-python": "4.8.1.78"}


@pytest.mark.parametrize(
    ("line", "fights"),
    [
        ("numpy>=2", True),
        ("NumPy >= 2.0  # new", True),
        ("numpy<2", False),
        ("numpy", False),
        ("numpy>=2; python_version < '3.9'", False),
        ("opencv_python==4.9.0.80", True),
        ("protobuf[x]>=5 --hash=sha256:00", True),
        ("something-else==9", False),
        ("# numpy>=2", False),
        ("", False),
    ],
)
def test_a_requirement_against_the_pins(line: str, fights: bool) -> None:
    found, unread = parse_fights(line + "\n", PINS)
    assert bool(found) == fights
    assert unread == ()


@pytest.mark.parametrize(
    "line", ["-r other.txt", "git+https://example.org/x.git", "numpy @ https://e.org/x.whl", "\x00"]
)
def test_what_cannot_be_compared_is_named(line: str) -> None:
    assert parse_fights(line, PINS) == ((), (line,))


def test_an_installation(tmp_path: Path) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.10" / "site-packages"
    for name in ("numpy-2.0.1", "protobuf-3.20.0"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
    (tmp_path / "venv" / ".sdsetup-environment.json").write_text(json.dumps({"versions": PINS}))
    clone = tmp_path / "extensions" / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / ".git" / "HEAD").write_text("a" * 40)
    (clone / ".git" / "config").write_text('[remote "origin"]\n\turl = https://me:secret@example.org/clone\n')
    plain = tmp_path / "extensions" / "plain"
    plain.mkdir()
    (plain / "requirements.txt").write_text("numpy>=2\n")
    (tmp_path / "extensions" / "put extensions here.txt").write_text("")
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps({"disabled_extensions": ["plain"], "disable_all_extensions": "none"}))
    there = read_extensions(RealMachine(), tmp_path, data=tmp_path, settings=settings)
    assert [(one.name, one.enabled, one.commit) for one in there.found] == [
        ("clone", True, "a" * 40),
        ("plain", False, None),
    ]
    assert there.found[0].remote == "https://example.org/clone"
    assert there.found[1].fights == (Fight(package="numpy", wants="numpy>=2", pinned="1.26.2"),)
    assert there.enabled == ("clone",)
    assert there.replaced == {"numpy": ("1.26.2", "2.0.1")}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"disabled_extensions": 7}', "null", "[" * 100_000])
def test_settings_that_are_no_settings_switch_nothing_off(tmp_path: Path, text: str) -> None:
    (tmp_path / "extensions" / "one").mkdir(parents=True)
    (tmp_path / "config.json").write_text(text)
    there = read_extensions(RealMachine(), tmp_path, data=tmp_path, settings=tmp_path / "config.json")
    assert there.enabled == ("one",)
