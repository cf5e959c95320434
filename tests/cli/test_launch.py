"""`sdsetup launch` as a person runs it: a process of its own, real signals, a stand-in web UI."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from installations import HERE, LOGS, gone, installation, play, starts
from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import Profiles
from sdsetup.values.facts import Facts, System
from sdsetup.workflows import launch

pty = pytest.importorskip("pty", reason="a terminal of Unix")
SOURCE = HERE.parent / "src"
PATIENCE = 40.0
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of a terminal")


def environment(**more: str) -> dict[str, str]:
    env = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "COMMANDLINE_ARGS", "BROWSER")
    }
    return env | {"PYTHONPATH": str(SOURCE), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"} | more


class Run:
    """A running sdsetup; what it prints is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], stream: int) -> None:
        self.process = process
        self.text = ""
        self._stream = stream

    def until(self, words: str) -> str:
        """Read on until these words are there (or the end, which fails)."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            if not self._more() or time.monotonic() > deadline:
                raise AssertionError(f"{words!r} never came:\n{self.text}")
        return self.text

    def end(self) -> int:
        while self._more():
            pass
        return self.process.wait(PATIENCE)

    def _more(self) -> bool:
        try:
            chunk = os.read(self._stream, 65536)
        except OSError:  # the other end of a terminal is gone
            return False
        self.text += chunk.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(chunk)


@contextmanager
def launched(
    root: Path, *options: str, env: dict[str, str] | None = None, terminal: bool = False
) -> Iterator[Run]:
    argv = [sys.executable, "-m", "sdsetup", "launch", "--dir", str(root), *options]
    ours, theirs = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        argv,
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=env or environment(),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Run(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_ready_and_ended_with_ctrl_c(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", flags="--xformers", grandchild=True)
    with launched(root, "--no-browser") as run:
        run.until("Model loaded: model.safetensors")
        assert "The web UI is ready after" in run.text
        assert "http://127.0.0.1:" in run.text
        assert "Open this address in your browser." in run.text
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
        assert "The web UI has stopped." in run.text
    given = starts(root)[0]
    assert given["arguments"] == ["--xformers"]
    assert gone(given["pid"])
    assert gone(given["grandchild"])
    log = next((root / ".sdsetup" / "logs").iterdir()).read_text(encoding="utf-8")
    assert "Interrupted with signal 2" in log


def test_ctrl_c_before_it_is_ready(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="hang")
    with launched(root) as run:
        run.until("Loading PyTorch ...")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 130
        assert "The web UI has stopped." in run.text
        assert "the same command continues" not in run.text
    assert gone(starts(root)[0]["pid"])


def test_ctrl_c_twice_ends_the_whole_tree(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", sigint="ignore", grandchild=True)
    with launched(root) as run:
        run.until("Press Ctrl-C here to stop it.")
        run.process.send_signal(signal.SIGINT)
        run.until("again to force it")
        time.sleep(0.5)
        run.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert run.end() == 130
        assert time.monotonic() - began < 8
        assert "forced to stop" in run.text
    assert gone(starts(root)[0]["pid"])
    assert gone(starts(root)[0]["grandchild"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_python_drops_is_not_lost(tmp_path: Path) -> None:
    """One that arrives while Python clears an object away is printed and forgotten."""

    class ClearedAway:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    facts = Facts(system=System(family="linux"))
    run = launch._Run(folder=tmp_path, book=Catalog(Profiles()).failures, facts=facts, browser=False)
    with launch._ends_like_ctrl_c(run):
        run.go_on()
        ClearedAway()
        with pytest.raises(KeyboardInterrupt):
            run.go_on()


def test_a_polite_kill_is_like_ctrl_c(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    with launched(root) as run:
        run.until("Press Ctrl-C here to stop it.")
        run.process.terminate()
        assert run.end() == 0
    assert gone(starts(root)[0]["pid"])


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no parent-death signal")
def test_a_hard_kill_takes_the_web_ui_along(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    with launched(root) as run:
        run.until("Press Ctrl-C here to stop it.")
        run.process.kill()
        run.process.wait()
        assert gone(starts(root)[0]["pid"])


def test_when_it_dies_the_cause_the_cure_and_the_log_are_named(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="crash", crash=str(LOGS / "wrong-python.txt"))
    with launched(root) as run:
        assert run.end() == 1
    assert "The web UI stopped before it was ready (exit code 1)." in run.text
    assert "This Python is not supported" in run.text
    assert f"sdsetup install --dir {root}" in run.text
    assert ".sdsetup/logs/webui-" in run.text.replace("\n  ", "")


def test_an_unknown_end_shows_its_last_words(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="silent-exit", code=9)
    with launched(root) as run:
        assert run.end() == 1
    assert "(exit code 9)" in run.text
    assert "Version: v1.10.1" in run.text
    assert "sdsetup report" in run.text


def test_a_model_that_does_not_load_is_told_although_the_page_is_there(tmp_path: Path) -> None:
    error = "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge"
    root = installation(tmp_path / "sd", model="failed", model_error=error)
    with launched(root) as run:
        run.until("A model file is damaged")
        assert "The web UI is ready" in run.text
        assert run.process.poll() is None
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0


def browser(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """A browser that notes the addresses it is given."""
    seen = tmp_path / "seen.txt"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> "{seen}"\n')
    program.chmod(0o755)
    return environment(BROWSER=str(program), DISPLAY=":9"), seen


def test_the_browser_opens_once_although_the_web_ui_starts_twice(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", restart=True)
    env, seen = browser(tmp_path)
    with launched(root, env=env) as run:
        run.until("is restarting")
        run.text = run.text.partition("is restarting")[2]
        run.until("Model loaded")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
    assert len(starts(root)) == 2
    addresses = seen.read_text().split()
    assert len(addresses) == 1
    assert addresses[0].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("why", ["option", "setting", "flag", "no display"])
def test_no_browser_where_none_is_wanted(tmp_path: Path, why: str) -> None:
    root = installation(tmp_path / "sd", flags="--listen" if why == "flag" else "")
    env, seen = browser(tmp_path)
    if why == "setting":
        (root / "config.json").write_text('{"auto_launch_browser": "Disable"}')
    if why == "no display":
        del env["DISPLAY"]
    with launched(root, *(["--no-browser"] if why == "option" else []), env=env) as run:
        run.until("Open this address in your browser.")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
    assert not seen.exists()


def test_a_web_ui_that_ends_by_itself_is_no_failure(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", ends=0.5)
    with launched(root) as run:
        assert run.end() == 0
    assert "The web UI has stopped." in run.text


def test_a_new_card_is_noticed_before_the_start(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / ".sdsetup").mkdir()
    recorded = {"schema": "sdsetup.machine/1", "card": "NVIDIA GeForce GTX 1660 made of cheese"}
    (root / ".sdsetup" / "machine.json").write_text(json.dumps(recorded))
    with launched(root) as run:
        run.until("Starting the web UI")
        assert "was NVIDIA GeForce GTX 1660 made of cheese" in run.text.replace("\n", " ")
        assert "sdsetup tune --yes" in run.text


def test_memory_that_runs_out_in_use_is_answered_with_a_setting(tmp_path: Path) -> None:
    oom = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.00 GiB"
    root = installation(tmp_path / "sd", flags="--xformers", later=[oom, oom])
    with launched(root) as run:
        # Not before the whole notice is out: a signal in the middle of a write makes it come twice.
        run.until("sdsetup will offer")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
    assert run.text.count("The graphics card ran out of video memory\n") == 1
    assert "Adding --medvram" in run.text
    assert "sdsetup verify" in run.text


def test_a_yes_puts_the_setting_into_the_launch_file(tmp_path: Path) -> None:
    oom = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.00 GiB"
    root = installation(tmp_path / "sd", flags="--xformers", later=[oom])
    with launched(root, terminal=True) as run:
        run.until("The graphics card ran out of video memory")
        run.process.send_signal(signal.SIGINT)
        run.until("[y/N]")
        os.write(run._stream, b"y\n")
        assert run.end() == 0
    text = (root / "webui-user.sh").read_text()
    assert "--xformers" in text
    assert "--medvram" in text
    assert list(root.glob("webui-user.sh.*.bak"))
    assert "--medvram" in (root / ".sdsetup" / "learned.json").read_text()


def test_a_folder_without_a_web_ui_is_refused(tmp_path: Path) -> None:
    with launched(tmp_path) as run:
        assert run.end() == 1
    assert "No web UI in this folder" in run.text


def test_a_second_start_says_where_the_first_one_runs(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    with launched(root, "--no-browser") as first:
        first.until("Press Ctrl-C here to stop it.")
        with launched(root, "--no-browser") as second:
            said = second.until("The web UI is already running: http://127.0.0.1:")
            assert second.end() == 0
            assert "--port" not in said
        first.process.send_signal(signal.SIGINT)
        first.end()
    assert len(starts(root)) == 1


def test_an_extension_that_failed_to_load_is_named_with_the_way_to_disable_it(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    for name, script in (("good", "1"), ("my broken one", "raise RuntimeError('no')")):
        folder = root / "extensions" / name / "scripts"
        folder.mkdir(parents=True)
        (folder / "main.py").write_text(script)
    with launched(root, "--no-browser") as run:
        said = " ".join(run.until('sdsetup extensions disable "my broken one"').split())
        assert "Extensions that failed to load: my broken one." in said
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0


def test_a_start_that_failed_counts_against_the_installation_until_one_works(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="crash", crash=str(LOGS / "wrong-python.txt"))
    (root / ".sdsetup").mkdir(exist_ok=True)
    distrust = root / ".sdsetup" / "distrust.json"
    with launched(root, "--no-browser") as run:
        assert run.end() == 1
    assert json.loads(distrust.read_text())["why"]
    play(root)
    with launched(root, "--no-browser") as run:
        run.until("Press Ctrl-C here to stop it.")
        assert not distrust.exists()
        run.process.send_signal(signal.SIGINT)
        run.end()
