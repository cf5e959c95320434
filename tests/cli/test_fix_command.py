"""`sdsetup fix` as people and programs run it: documents, screens, exit codes, and each act once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from test_launch import Run, environment

import documents
from installations import LOGS, failure_book, installation
from sdsetup.catalog.failures import Act
from sdsetup.workflows.fix import ACTS

PORT = "OSError: Cannot find empty port in range: 7860-7860.\n"
RUNS = "Running on local URL:  http://127.0.0.1:7860\nStartup time: 8.2s (import torch: 3.0s).\n"
KEYS = {"id", "title", "cause", "fix", "evidence", "line"}


def fix(*words: str, code: int = 0, log: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    ended = subprocess.run(
        [sys.executable, "-m", "sdsetup", "fix", *words],
        input=log if log is not None else b"",
        capture_output=True,
        env=environment(),
        timeout=100,
    )
    assert ended.returncode == code, ended.stderr.decode()
    return ended


def document(*words: str, code: int = 0, log: bytes | None = None) -> dict[str, Any]:
    return documents.document(fix(*words, "--json", code=code, log=log).stdout)


def logged(root: Path, text: str) -> Path:
    """An installation whose last start left this log."""
    folder = root / ".sdsetup" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "webui-20260101-000000.log"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_document_of_a_failure() -> None:
    said = document("-", log=PORT.encode())
    assert set(said) == {"schema", "diagnosis", "notes"}
    assert said["schema"] == "sdsetup.fix/1"
    assert set(said["diagnosis"]) == KEYS
    assert said["diagnosis"]["id"] == "port-taken"
    assert set(said["diagnosis"]["fix"]) == {"text", "command"}
    assert said["diagnosis"]["evidence"] == PORT.strip()
    assert said["diagnosis"]["line"] == 1


@pytest.mark.parametrize(
    ("log", "note", "code"),
    [
        (RUNS, "nothing-wrong", 0),
        ("npm ERR! code EPERM\n", "other-program", 0),
        (
            'Traceback (most recent call last):\n  File "C:\\sd\\launch.py", line 4\nValueError: out of order\n',
            "unknown-error",
            1,
        ),
        ("", "unknown-error", 1),
    ],
)
def test_no_diagnosis_says_why(log: str, note: str, code: int) -> None:
    said = document("-", log=log.encode(), code=code)
    assert said["diagnosis"] is None
    assert said["notes"][0]["id"] == note
    assert set(said["notes"][0]) == KEYS


def test_what_else_went_wrong_is_named() -> None:
    reset = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    get()\n'
    reset += "ConnectionResetError: [Errno 104] Connection reset by peer\n"
    shown = fix("-", log=(reset + "\n" + PORT).encode()).stdout.decode()
    assert "The port is in use" in shown.splitlines()[0]
    assert "  also: The connection was lost during a download" in shown.splitlines()


def test_an_unknown_log_shows_its_last_error_and_the_report() -> None:
    said = document("-", log=b'  File "C:\\sd\\launch.py", line 4\nValueError: out of order\n', code=1)
    assert "ValueError: out of order" in said["notes"][0]["cause"]
    assert said["notes"][0]["fix"]["command"].startswith("sdsetup report")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp866", "cp1251"])
def test_a_log_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("ОШИБКА: [Errno] Отказано в доступе: 'C:\\\\sd\\\\venv'\n", encoding=encoding)
    assert document(str(log))["diagnosis"]["id"] == "access-denied"


def test_the_system_is_asked_for_only_where_the_log_is_silent() -> None:
    line = "error: Microsoft Visual C++ 14.0 or greater is required.\n"
    assert document("-", "--os", "windows", log=line.encode())["diagnosis"]["id"] == "build-tools"
    said = document("-", "--os", "linux", log=b"Python 3.10.6 (x) [MSC v.1932 64 bit (AMD64)]\n" + line.encode())
    assert said["diagnosis"]["id"] == "build-tools"


def test_somebody_elses_folder_is_taken_from_the_log() -> None:
    log = """Traceback (most recent call last):
  File "D:\\my sd\\launch.py", line 48
ModuleNotFoundError: No module named 'pkg_resources'
"""
    command = document("-", log=log.encode())["diagnosis"]["fix"]["command"]
    assert command == '"D:\\my sd\\venv\\Scripts\\python.exe" -m pip install "setuptools==69.5.1"'


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["no-such.log"], 1, "log-unreadable"),
        (["-", "--os", "amiga"], 2, "option-value"),
    ],
)
def test_what_cannot_be_read_is_said(words: list[str], code: int, said: str) -> None:
    assert said in json.dumps(document(*words, code=code))


def test_without_a_name_it_is_the_last_start(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    assert "log-missing" in json.dumps(document("--dir", str(root), code=1))
    logged(root, PORT)
    said = document("--dir", str(root))["diagnosis"]
    assert (said["id"], said["fix"]["command"]) == ("port-taken", f"sdsetup doctor --dir {root}")


def test_nobody_to_ask_is_no_consent(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="crash", crash=str(LOGS / "numpy-2.txt"))
    logged(root, "Cannot add middleware after an application has started\n")
    ended = fix("--dir", str(root))
    assert b"With --yes" in ended.stdout
    assert not (root / "given.jsonl").exists()


# --- the acts -------------------------------------------------------------------------------------------------


def test_every_act_of_the_profile_is_carried_out_and_nothing_else_is_one() -> None:
    acts = {failure.act for failure in failure_book().failures if failure.act is not None}
    assert acts <= set(ACTS)
    assert set(ACTS) == set(get_args(Act))


def mended(root: Path, ready: Callable[[Run], None]) -> str:
    """`sdsetup fix --yes` until the web UI runs, then Ctrl-C; what was said."""
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "sdsetup", "fix", "--yes", "--dir", str(root)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment(),
        start_new_session=True,
    )
    os.close(theirs)
    run = Run(process, ours)
    try:
        ready(run)
        process.send_signal(signal.SIGINT)
        assert run.end() == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return run.text


def runs(run: Run) -> None:
    run.until("Press Ctrl-C here to stop it.")


def test_start_again(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    logged(root, "Cannot add middleware after an application has started\n")
    assert "A request reached the web UI before it was ready" in mended(root, runs)


def test_less_memory_finds_what_fits_and_starts_with_it(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", pictures=[[["--medvram"], "noise"], [[], "oom"]])
    logged(root, RUNS + "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.00 GiB\n")
    mended(root, runs)
    assert "--medvram" in (root / ("webui-user.bat" if os.name == "nt" else "webui-user.sh")).read_text()


def test_a_damaged_model_is_shown_and_nothing_is_started(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    folder = root / "models" / "Stable-diffusion"
    folder.mkdir(parents=True)
    (folder / "bad.safetensors").write_bytes(b"<html>sign in</html>" * 100)
    logged(root, "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge\n")
    ended = fix("--dir", str(root), "--yes", code=1)
    assert b"bad.safetensors" in ended.stdout
    assert not (root / "given.jsonl").exists()


def test_a_settings_file_that_was_cut_is_kept_aside(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "config.json").write_text('{"sd_model_checkpoint": "x')
    (root / "ui-config.json").write_text("{}")
    logged(root, "json.decoder.JSONDecodeError: Unterminated string starting at: line 1 column 25 (char 24)\n")
    mended(root, runs)
    assert not (root / "config.json").exists()
    assert (root / "ui-config.json").read_text() == "{}"
    assert (root / ".sdsetup" / "aside" / "config.json").read_text() == '{"sd_model_checkpoint": "x'


def test_a_damaged_cache_is_kept_aside(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "cache").mkdir()
    (root / "cache" / "cache.db").write_bytes(b"no database")
    logged(root, "sqlite3.DatabaseError: file is not a database\n")
    mended(root, runs)
    assert (root / ".sdsetup" / "aside" / "cache" / "cache.db").is_file()
