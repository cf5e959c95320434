"""`sdsetup extensions` over the stand-in web UI with small extensions, in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from documents import document
from installations import HERE, installation, starts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in's launch file is a .sh here")

NAMES = ("a1111", "b-tags", "control", "dynamic", "easel", "faces", "gallery", "hires")


def command(root: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    env = {k: v for k, v in os.environ.items() if k != "COMMANDLINE_ARGS"}
    env |= {"PYTHONPATH": str(HERE.parent / "src"), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    return [sys.executable, "-m", "sdsetup", "extensions", *words, "--dir", str(root)], env


def extensions(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv, env = command(root, *words)
    return subprocess.run(argv, capture_output=True, text=True, env=env, timeout=100, check=False)


def with_extensions(root: Path, *guilty: str, flags: str = "", dies: str = "raise SystemExit(3)") -> bytes:
    """An installation with eight of them; the bytes of its config.json."""
    installation(root, flags=flags, model="never")
    for name in NAMES:
        script = root / "extensions" / name / "scripts" / f"{name}.py"
        script.parent.mkdir(parents=True)
        script.write_text(dies if name in guilty else f"print('hello from {name}')\n")
    content = json.dumps({"sd_model": "x", "disabled_extensions": [], "grüße": 1}, indent=4, ensure_ascii=False)
    (root / "config.json").write_bytes(content.encode())
    return content.encode()


@pytest.mark.parametrize("guilty", ["a1111", "easel", "hires"])
def test_the_one_of_eight_is_named_in_four_starts(tmp_path: Path, guilty: str) -> None:
    before = with_extensions(tmp_path / "sd", guilty)
    done = extensions(tmp_path / "sd", "bisect", "--yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{guilty} keeps the web UI from starting" in done.stdout
    assert f"sdsetup extensions disable {guilty} --dir" in done.stdout
    assert len(starts(tmp_path / "sd")) <= 4
    assert (tmp_path / "sd" / "config.json").read_bytes() == before


def test_for_programs_with_a_guilty_one_that_was_off_before(tmp_path: Path) -> None:
    root = tmp_path / "sd"
    with_extensions(root, "faces", "hires")
    (root / "config.json").write_text(json.dumps({"disabled_extensions": ["hires"]}))
    done = extensions(root, "bisect", "--json", "--yes")
    said = document(done.stdout)
    assert (said["guilty"], said["none_breaks"], said["not_extensions"]) == (["faces"], False, False)
    assert not any("hires" in one["on"] for one in said["starts"])
    assert done.returncode == 1


def test_nothing_breaks(tmp_path: Path) -> None:
    with_extensions(tmp_path / "sd")
    done = extensions(tmp_path / "sd", "bisect", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "starts with all your extensions" in done.stdout


def test_killed_in_the_middle_the_settings_are_as_they_were(tmp_path: Path) -> None:
    root = tmp_path / "sd"
    before = with_extensions(root, "dynamic", dies="import time; time.sleep(60)")
    argv, env = command(root, "bisect", "--yes")
    child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (root / "given.jsonl").exists():
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 130
    assert (root / "config.json").read_bytes() == before


def test_without_consent_nothing_is_started(tmp_path: Path) -> None:
    with_extensions(tmp_path / "sd", "easel")
    done = extensions(tmp_path / "sd", "bisect")
    assert done.returncode == 2
    assert not (tmp_path / "sd" / "given.jsonl").exists()


def test_one_is_turned_off_and_on_again(tmp_path: Path) -> None:
    root = tmp_path / "sd"
    before = with_extensions(root)
    done = extensions(root, "disable", "easel", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads((root / "config.json").read_text())
    assert said["disabled_extensions"] == ["easel"]
    assert list(said) == ["sd_model", "disabled_extensions", "grüße"]
    assert [path.read_bytes() for path in root.glob("config.json.*.bak")] == [before]
    assert "already off" in extensions(root, "disable", "easel", "--yes").stdout
    back = document(extensions(root, "enable", "easel", "--yes", "--json").stdout)
    assert (back["names"], back["off"], back["changed"]) == (["easel"], False, True)
    assert (root / "config.json").read_bytes() == before


def test_settings_that_were_cut_are_not_written_over(tmp_path: Path) -> None:
    root = tmp_path / "sd"
    with_extensions(root)
    (root / "config.json").write_text('{"sd_model": ')
    done = extensions(root, "disable", "easel", "--yes")
    assert done.returncode == 1
    assert "settings-unreadable" in done.stderr
    assert (root / "config.json").read_text() == '{"sd_model": '


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with_extensions(tmp_path / "sd")
    done = extensions(tmp_path / "sd", "disable", "../easel", "--yes")
    assert done.returncode == 1
    assert "extension-unknown" in done.stderr


def test_the_list_and_what_fights(tmp_path: Path) -> None:
    root = tmp_path / "sd"
    with_extensions(root)
    (root / "venv" / "lib" / "python3.10" / "site-packages" / "numpy-1.26.2.dist-info").mkdir(parents=True)
    assert extensions(root, "check").returncode == 0
    (root / "extensions" / "faces" / "requirements.txt").write_text("numpy>=2\n")
    listed = extensions(root, "list")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in NAMES)
    checked = extensions(root, "check")
    assert checked.returncode == 1
    assert "needs numpy>=2" in checked.stdout
    said = document(extensions(root, "check", "--json").stdout)
    assert said["schema"] == "sdsetup.extensions/1"
    assert [one["name"] for one in said["extensions"] if one["fights"]] == ["faces"]


def test_a_safe_start_has_no_extensions_and_changes_no_settings(tmp_path: Path) -> None:
    root = tmp_path / "sd"
    before = with_extensions(root, "easel", flags="--medvram")
    (root / "scenario.json").write_text(json.dumps({"model": "never", "ends": 0.2}))
    done = extensions(root, "safe-start", "--no-browser")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((root / "loaded.json").read_text()) == []
    assert "--medvram" in starts(root)[0]["arguments"]
    assert (root / "config.json").read_bytes() == before
