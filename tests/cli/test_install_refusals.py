"""Bad input to `install`: a clear error with its code, exit code 1 or 2, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import document

ROOT = Path(__file__).parents[2]


def sdsetup(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    names = (
        "PATH",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "HOME",
        "SDSETUP_LOG_DIR",
        "SDSETUP_DATA_DIR",
        "SDSETUP_CACHE_DIR",
    )
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "sdsetup", *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", **env},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refused(done: subprocess.CompletedProcess[str], code: str, *, exit_code: int = 1) -> None:
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert f"code: {code}" in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def git(folder: Path, *args: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *who, "-C", str(folder), *args], check=True, capture_output=True)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "sd").write_text("my notes")
    refused(sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path), "folder-is-a-file")
    refused(sdsetup("install", "--yes", "--dir", "sd/inside", cwd=tmp_path), "folder-is-a-file")
    assert (tmp_path / "sd").read_text() == "my notes"


def test_a_folder_with_somebody_elses_things(tmp_path: Path) -> None:
    (tmp_path / "sd").mkdir()
    (tmp_path / "sd" / "taxes.xls").write_text("1")
    before = snapshot(tmp_path / "sd")
    refused(sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path), "folder-foreign")
    assert snapshot(tmp_path / "sd") == before


def test_another_git_repository(tmp_path: Path) -> None:
    (tmp_path / "sd").mkdir()
    git(tmp_path / "sd", "init", "-q")
    git(tmp_path / "sd", "remote", "add", "origin", "https://example.org/mine.git")
    (tmp_path / "sd" / "mine.py").write_text("1")
    done = sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path)
    refused(done, "folder-other-repository")
    assert "https://example.org/mine.git" in done.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "sd").mkdir(mode=0o500)
    refused(sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path), "folder-not-writable")


def test_an_installation_at_another_commit_with_changes_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "sd"
    (folder / "modules").mkdir(parents=True)
    for name in ("webui.py", "launch.py", "modules/x.py"):
        (folder / name).write_text("upstream")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "older")
    (folder / "launch.py").write_text("changed by hand")
    done = sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path)
    refused(done, "local-changes")
    assert "launch.py" in done.stderr
    assert (folder / "launch.py").read_text() == "changed by hand"


def test_a_profile_with_five_mistakes_names_all_five(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "models.toml").write_text(
        '[models.mine]\nfile = 3\nsave_as = "C:/x"\nsize = "4 GB"\nsha256 = "abc"\ncolour = "red"\nsources = []\n'
    )
    done = sdsetup("install", "--yes", "--dir", "sd", "--profiles", "own", cwd=tmp_path)
    refused(done, "profile-invalid")
    for part in ("mine.file", "mine.save_as", "mine.size", "mine.sha256", "mine.colour", "mine.sources"):
        assert part in done.stderr
    assert not (tmp_path / "sd").exists()


def test_a_practice_run_judges_the_names_as_well(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "models.toml").write_text('[models.sd15]\nsave_as = "models/../../x"\n')
    (tmp_path / "own" / "webui.toml").write_text('[[repositories]]\nname = "../../../outside"\n')
    before = sorted(tmp_path.rglob("*"))
    for words in (("install", "--rehearse", "--yes"), ("install", "--yes", "--dir", "sd"), ("model", "list")):
        refused(sdsetup(*words, "--profiles", "own", cwd=tmp_path), "profile-invalid")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_wrong_model_name_suggests(tmp_path: Path) -> None:
    done = sdsetup("install", "--yes", "--dir", "sd", "--model", "sd51", cwd=tmp_path)
    refused(done, "unknown-model", exit_code=2)
    assert "sd15" in done.stderr


def test_nobody_there_to_agree(tmp_path: Path) -> None:
    done = sdsetup("install", "--dir", "sd", cwd=tmp_path)
    refused(done, "consent-needed", exit_code=2)
    assert "--yes" in done.stderr
    assert not (tmp_path / "sd").exists()


def test_no_git_anywhere(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    done = sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path, PATH=str(empty))
    refused(done, "git-missing")
    assert not (tmp_path / "sd").exists()


@pytest.mark.slow
def test_no_network_keeps_what_is_there_and_says_how_to_go_on(tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9"
    done = sdsetup("install", "--yes", "--dir", "sd", cwd=tmp_path, HTTPS_PROXY=dead, https_proxy=dead)
    assert done.returncode == 1
    assert "github.com" in done.stderr
    assert "code: connection-broken" in done.stderr
    again = document(sdsetup("install", "--dry-run", "--json", "--dir", "sd", cwd=tmp_path).stdout)
    assert again["steps"][0]["state"] == "todo"


def test_an_own_launch_file_in_a_foreign_code_page_keeps_every_byte(tmp_path: Path) -> None:
    names = {"SDSETUP_CACHE_DIR": str(tmp_path / "cache")}
    made = sdsetup("install", "--rehearse", "--yes", "--no-picture", "--launcher", "both", cwd=tmp_path, **names)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "cache" / "rehearsal" / "webui"
    lines = ("@echo off", "rem мои настройки", "set COMMANDLINE_ARGS=--listen --port 7999", "set MINE=да")
    own = "\r\n".join([*lines, "call webui.bat", ""])
    (folder / "webui-user.bat").write_bytes(own.encode("cp866"))
    done = sdsetup("install", "--rehearse", "--yes", "--no-picture", "--launcher", "both", cwd=tmp_path, **names)
    assert done.returncode == 0, done.stderr
    content = (folder / "webui-user.bat").read_bytes()
    for line in own.encode("cp866").split(b"\r\n"):
        assert line in content or line.startswith(b"set COMMANDLINE_ARGS")
    assert b"--listen --port 7999" in content
    kept = sorted(folder.glob("webui-user.bat.*.bak"))
    assert own.encode("cp866") in [path.read_bytes() for path in kept]
