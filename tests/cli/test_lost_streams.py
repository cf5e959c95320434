"""Output and logs that cannot be written: the command works, says so once, and shows no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import document

pytestmark = pytest.mark.skipif(os.name == "nt", reason="/dev/full, and streams closed by number")
LIST = ("model", "list")


def sdsetup(redirections: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run through a shell, which is what closes and redirects streams."""
    command = f'exec "$0" -m sdsetup "$@" {redirections}'
    return subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [LIST, (*LIST, "--json"), ("--version",), ("--help",)], ids=" ".join)
def test_a_full_disk_behind_standard_output_is_an_error_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = sdsetup(">/dev/full", *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if arguments != ("--version",):
        assert done.stderr.count("output-lost") == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_change_no_exit_code(closed: str) -> None:
    done = sdsetup(closed, *LIST)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_a_file_of_ours_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    # The log file would be number 1 otherwise, and what is printed would stand in it.
    sdsetup(">&-", *LIST, SDSETUP_LOG_DIR=str(tmp_path / "log"))
    (log,) = (tmp_path / "log").glob("*.log")
    assert "sd15" not in log.read_text()


def test_letters_that_a_code_page_lacks_are_written_with_those_it_has() -> None:
    """Russian text has quotation marks and dashes that cp866, the page of Russian consoles, has not."""
    for arguments in (("doctor", "--help"), ("model", "import", "нет/x.safetensors"), ("--help",)):
        command = [sys.executable, "-m", "sdsetup", "--lang", "ru", *arguments]
        done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "cp866"}, capture_output=True)
        said = (done.stdout + done.stderr).decode("cp866")
        assert "Использование" in said or "исправление" in said
        assert "?" not in said, said


def test_a_reader_that_goes_away_ends_nothing() -> None:
    done = sdsetup("| head -c 1", *LIST)
    assert "Traceback" not in done.stderr
    assert "output-lost" not in done.stderr


def test_a_log_folder_that_cannot_be_made_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = sdsetup("", *LIST, "--json", SDSETUP_LOG_DIR=str(tmp_path / "file" / "log"))
    assert done.returncode == 0
    assert document(done.stdout)["schema"]
    assert done.stderr.count("log can't be written") == 1
    assert "Traceback" not in done.stderr


def test_a_log_file_that_fills_its_disk_is_said_once(tmp_path: Path) -> None:
    # No file may grow past 0 bytes; pipes may.
    command = 'ulimit -f 0; exec "$0" -m sdsetup doctor --facts "$1"'
    facts = tmp_path / "facts.json"
    facts.write_text("{}")
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(facts)],
        env={**os.environ, "SDSETUP_LOG_DIR": str(tmp_path / "log"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert "facts-invalid" in done.stderr  # what it was asked for is answered
    assert done.stderr.count("log can't be written") == 1
    assert "Traceback" not in done.stderr
    assert "log:" not in done.stderr
