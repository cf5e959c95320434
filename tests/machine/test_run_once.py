"""Short programs: their output, their end, and what happens when they do not end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdsetup.machine.real import RealMachine, decode

SRC = Path(__file__).parents[2] / "src"


def run(code: str, *, timeout: float = 20, **more: object) -> object:
    return RealMachine().run([sys.executable, "-c", code], timeout=timeout, **more)  # type: ignore[arg-type]


def test_output_and_exit_code() -> None:
    ended = RealMachine().run(
        [sys.executable, "-c", "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)"], timeout=20
    )
    assert (ended.rc, ended.out, ended.err, ended.problem) == (3, "a\n", "b\n", None)
    assert not ended.ok


def test_where_it_runs_and_with_what(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ['SDSETUP_X'])"
    ended = RealMachine(env={"PATH": "", "SYSTEMROOT": r"C:\Windows"}).run(
        [sys.executable, "-c", code], timeout=20, cwd=tmp_path, env={"SDSETUP_X": "ü"}
    )
    assert ended.out.split()[0].endswith(tmp_path.name)


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["no-such-program-anywhere"], "missing"),
        (["/no/such/folder/program"], "missing"),
    ],
)
def test_what_cannot_start(argv: list[str], problem: str) -> None:
    assert RealMachine().run(argv, timeout=5).problem == problem


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_what_may_not_or_cannot_run(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("text")
    assert RealMachine().run([str(plain)], timeout=5).problem == "denied"
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF garbage")
    broken.chmod(0o755)
    assert RealMachine().run([str(broken)], timeout=5).problem == "broken"


def test_a_program_that_does_not_end() -> None:
    begun = time.monotonic()
    ended = RealMachine().run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert ended.problem == "timeout"
    assert time.monotonic() - begun < 10


def test_a_flood_of_output_does_not_block_it() -> None:
    code = "import sys; sys.stdout.write('x' * 3_000_000); sys.stderr.write('y' * 3_000_000)"
    ended = RealMachine().run([sys.executable, "-c", code], timeout=30)
    assert (len(ended.out), len(ended.err)) == (3_000_000, 3_000_000)


def test_programs_end_with_us() -> None:
    """A probe that was given up leaves its program running; the program ends when we do."""
    code = (
        "import threading, time, sys\n"
        "from sdsetup.machine.real import RealMachine\n"
        "argv = [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(120)']\n"
        "threading.Thread(target=RealMachine().run, args=(argv,), kwargs={'timeout': 100}, daemon=True).start()\n"
        "time.sleep(0.5)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=SRC, timeout=30, check=True)
    # `no_stray_processes` looks for the sleeper.


def test_a_program_of_the_current_folder_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / "git"
    planted.write_text("#!/bin/sh\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert RealMachine(env={"PATH": f".:{tmp_path}"}).which("git") is None
    other = tmp_path / "bin" / "git"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert RealMachine(env={"PATH": f".::bin:{tmp_path}:{other.parent}"}).which("git") == str(other)


def _speaking(path: Path, word: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {word}\npwd\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="scripts as programs")
def test_a_folder_that_is_looked_at_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, elsewhere = tmp_path / "D", tmp_path / "bin"
    inside = _speaking(folder / "venv" / "bin" / "tool", "planted")
    outside = _speaking(elsewhere / "tool", "mine")
    link_in, link_out = elsewhere / "linked", folder / "out"
    link_in.symlink_to(inside)
    link_out.symlink_to(outside)
    monkeypatch.chdir(folder)
    machine = RealMachine({"PATH": f"{inside.parent}:{elsewhere}"})
    looking = machine.looking_at(folder)
    assert machine.which("tool") == str(inside)
    assert looking.which("tool") == str(outside)
    for planted in (inside, link_in, link_out):
        assert looking.run([str(planted)], timeout=5).problem == "untrusted"
        assert machine.run([str(planted)], timeout=5).ok
    assert looking.run(["tool"], timeout=5).out.split() == ["mine", "/"]
    assert looking.which("linked") is None


@pytest.mark.skipif(sys.platform == "win32", reason="scripts as programs")
def test_the_home_itself_may_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's own Python below their home is theirs, and `--dir ~` does not make it a stranger's."""
    own = _speaking(tmp_path / ".local" / "bin" / "tool", "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RealMachine({"PATH": str(own.parent)}).looking_at(tmp_path).which("tool") == str(own)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "HEAD")
    assert RealMachine().read_text(tmp_path / "HEAD") is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\r\n", "plain\n"),
        (b"\xc3\xbc", "ü"),
        ("ü\r\n".encode("utf-16"), "ü\r\n"),
        (b"a\r\r\nb", "a\nb"),
        (b"", ""),
    ],
)
def test_decoding(data: bytes, text: str) -> None:
    assert decode(data).replace("\r\n", "\n") == text.replace("\r\n", "\n")


def test_decoding_never_fails() -> None:
    assert decode(bytes(range(256)))
    assert decode(b"\xff\xfe\x00")
