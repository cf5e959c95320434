"""How sdsetup came onto this PC, told by files; and what brings a new version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdsetup.machine.real import RealMachine
from sdsetup.probe.own_installation import OwnInstallation, own_installation, parse_editable


def found(tmp_path: Path, prefix: Path) -> OwnInstallation:
    prefix.mkdir(parents=True, exist_ok=True)
    return own_installation(
        RealMachine(), prefix=prefix, python="/p/python", data=tmp_path / "data", package=tmp_path / "info"
    )


def test_by_a_starter(tmp_path: Path) -> None:
    env = tmp_path / "data" / "app" / "env"
    env.mkdir(parents=True)
    project = tmp_path / "my project"
    (env.parent / "stamp.txt").write_text(
        f"1 2 src/x.py\nproject {project}\npython 3.10\n--- the environment ---\n"
    )
    there = found(tmp_path, env)
    assert (there.way, there.folder, there.clone, there.command) == ("starter", str(project), False, None)
    (project / ".git").mkdir(parents=True)
    assert found(tmp_path, env).clone


@pytest.mark.parametrize(
    ("file", "way", "command"),
    [
        ("pipx_metadata.json", "pipx", ("pipx", "upgrade", "sdsetup")),
        ("uv-receipt.toml", "uv", ("uv", "tool", "upgrade", "sdsetup")),
        ("pyvenv.cfg", "pip", ("/p/python", "-m", "pip", "install", "--upgrade", "sdsetup")),
    ],
)
def test_by_a_package_tool(tmp_path: Path, file: str, way: str, command: tuple[str, ...]) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / file).write_text("")
    there = found(tmp_path, tmp_path / "env")
    assert (there.way, there.command, there.folder) == (way, command, None)


@pytest.mark.parametrize(
    ("place", "way", "command"),
    [
        ("Downloads", "zip", None),
        ("Microsoft/WinGet/Packages/sdsetup.sdsetup_x", "winget", ("winget", "upgrade", "sdsetup.sdsetup")),
        ("scoop/apps/sdsetup", "scoop", ("scoop", "update", "sdsetup")),
    ],
)
def test_as_the_windows_program(tmp_path: Path, place: str, way: str, command: tuple[str, ...] | None) -> None:
    home = tmp_path / place / "sdsetup"
    home.mkdir(parents=True)
    assert found(tmp_path, home / "python").way == "pip"
    (home / "sdsetup.exe").write_bytes(b"MZ")
    there = found(tmp_path, home / "python")
    assert (there.way, there.command) == (way, command)
    assert there.folder == (str(home) if way == "zip" else None)
    if way == "winget":
        manifest = (Path(__file__).parents[2] / "tools" / "manifests.toml").read_text(encoding="utf-8")
        assert f'identifier = "{there.command[-1]}"' in manifest


def test_from_its_source(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    said = {"url": "file:///srv/my%20project", "dir_info": {"editable": True}}
    (tmp_path / "info" / "direct_url.json").write_text(json.dumps(said))
    assert found(tmp_path, tmp_path / "env").way == "source"
    assert parse_editable(json.dumps(said)) == "/srv/my project"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": 1, "dir_info": {"editable": true}}', '{"dir_info": 3}'])
def test_what_is_no_such_file(text: str) -> None:
    assert parse_editable(text) is None
