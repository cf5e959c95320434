"""Starting, watching and ending a web UI that is a real process."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from installations import LOGS, context, failure_book, gone, installation, play, starts
from sdsetup.decide.startup import Startup
from sdsetup.errors import SdsetupError
from sdsetup.execute.webui.api import call
from sdsetup.execute.webui.launch_plan import browser_option, plan_from_file
from sdsetup.execute.webui.process import Told, WebUI, start
from sdsetup.launchfile.effective import arguments, effective, file_names, kind_of

PATIENCE = 40.0
BOOK = failure_book()
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows cannot interrupt one program")


def running(root: Path, told: Told | None = None) -> AbstractContextManager[WebUI]:
    ctx = context(root)
    plan, _seen = plan_from_file(ctx)
    return start(plan, ctx, told=told or (lambda state, line: None))


def ready(state: Startup) -> bool:
    return state.ready


def test_it_starts_as_the_launch_file_would(tmp_path: Path) -> None:
    root = installation(
        tmp_path / "my sd", flags='--xformers --ckpt-dir "D:/my models"', env={"SOME_THING": "a b"}
    )
    phases: list[str] = []
    with running(root, told=lambda state, line: phases.append(state.phase)) as web:
        assert web.until(lambda state: state.settled, PATIENCE)
        assert web.state.url is not None
        assert web.state.model == "loaded"
    given = starts(root)[0]
    assert given["arguments"] == ["--xformers", "--ckpt-dir", "D:/my models"]
    assert given["env"]["SOME_THING"] == "a b"
    assert given["env"]["SD_WEBUI_RESTARTING"] == "1"
    assert Path(given["cwd"]).samefile(root)
    assert list(dict.fromkeys(phases)) == ["preparing", "torch", "interface", "ready"]
    assert gone(given["pid"])


def test_the_whole_log_is_kept_without_secrets(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", flags="--gradio-auth anna:geheim")
    with running(root) as web:
        web.until(ready, PATIENCE)
        web.stop(5)
    logs = list((root / ".sdsetup" / "logs").iterdir())
    assert len(logs) == 1
    text = logs[0].read_text(encoding="utf-8")
    assert "Startup time:" in text
    assert "geheim" not in text
    assert "--gradio-auth [secret]" in text
    assert text.startswith("[sdsetup] started ")
    assert text.rstrip().split("\n")[-1].startswith("[sdsetup] ended with code")


def test_old_logs_make_room(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="silent-exit")
    folder = root / ".sdsetup" / "logs"
    folder.mkdir(parents=True)
    for n in range(40):
        (folder / f"webui-20200101-0000{n:02d}.log").write_text("old")
    (folder / "mine.txt").write_text("stays")
    with running(root) as web:
        web.until(ready, PATIENCE)
    assert len(list(folder.glob("webui-*.log"))) == 20
    assert (folder / "mine.txt").exists()


def test_a_start_that_is_not_polled_survives_and_one_that_is_polled_does_not(tmp_path: Path) -> None:
    """The stand-in dies like the real one; so the first half of this test can fail."""
    root = installation(tmp_path / "sd", linger=1.0)
    with running(root) as web:
        assert web.until(ready, PATIENCE)
    with running(root) as web:
        assert web.until(lambda state: state.url is not None, PATIENCE)
        port = int((web.state.url or "").rsplit(":", 1)[1])
        asking = threading.Thread(target=call, args=("GET", port, "/"), kwargs={"seconds": 5})
        asking.start()
        assert not web.until(ready, PATIENCE)
        asking.join()
        assert web.over
        found = web.diagnose(BOOK)
    assert found is not None
    assert found.id == "early-request"


@pytest.mark.parametrize("name", ["wrong-python", "repository-gone", "missing-libgl", "flag-quotes"])
def test_when_it_dies_the_cause_is_named(tmp_path: Path, name: str) -> None:
    root = installation(tmp_path / "sd", start="crash", crash=str(LOGS / f"{name}.txt"))
    with running(root) as web:
        assert not web.until(ready, PATIENCE)
        assert web.over
        assert web.rc == 1
        found = web.diagnose(BOOK)
    assert found is not None
    assert found.id == name


def test_when_the_card_test_fails_torch_is_asked_itself(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="crash", crash=str(LOGS / "torch-no-gpu.txt"))
    # This interpreter has no torch: the reason comes to light only by asking.
    with running(root) as web:
        web.until(ready, PATIENCE)
        found = web.diagnose(BOOK)
        lines = list(web.log.lines)
    assert "[sdsetup] asking torch itself" in lines
    assert any("torch" in line for line in lines[lines.index("[sdsetup] asking torch itself") + 1 :])
    assert found is not None


def test_an_end_without_a_word_is_no_diagnosis(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="silent-exit", code=7)
    with running(root) as web:
        assert not web.until(ready, PATIENCE)
        assert web.rc == 7
        assert web.diagnose(BOOK) is None


def test_a_hanging_start_has_a_limit(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", start="hang")
    with running(root) as web:
        assert web.until(lambda state: state.phase == "torch", PATIENCE)
        assert not web.until(ready, 0.5)
        assert not web.over
    assert gone(starts(root)[0]["pid"])


@POSIX_ONLY
def test_it_ends_politely(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", grandchild=True)
    with running(root) as web:
        web.until(ready, PATIENCE)
        assert web.stop(PATIENCE) is True
        assert any(line.startswith("Interrupted with signal 2") for line in web.log.lines)
        assert web.rc == 0
    assert gone(starts(root)[0]["grandchild"])


@POSIX_ONLY
def test_who_ignores_the_interrupt_is_ended_with_all_it_started(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", sigint="ignore", grandchild=True)
    with running(root) as web:
        web.until(ready, PATIENCE)
        assert web.stop(0.5) is False
        assert web.rc == -signal.SIGKILL
    given = starts(root)[0]
    assert gone(given["pid"])
    assert gone(given["grandchild"])


def test_its_memory_is_known(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    with running(root) as web:
        web.until(ready, PATIENCE)
        peak = web.measure()
    assert peak is not None
    assert 2**20 < peak < 2**33


def test_no_web_ui_and_no_environment_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SdsetupError) as refused:
        plan_from_file(context(tmp_path))
    assert refused.value.code == "webui-missing"
    root = installation(tmp_path / "sd")
    (root / "venv").rename(root / "elsewhere")
    with pytest.raises(SdsetupError) as refused:
        plan_from_file(context(root))
    assert refused.value.code == "environment-missing"


@POSIX_ONLY
def test_a_python_that_cannot_run_is_an_error(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "venv" / "bin" / "python").write_text("#!/nowhere/python\n")
    with pytest.raises(SdsetupError) as refused, running(root):
        pass
    assert refused.value.code == "webui-not-startable"


@POSIX_ONLY
def test_flags_that_cannot_be_told_are_not_guessed(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "webui-user.sh").write_text('if [ -f x ]; then\n  export COMMANDLINE_ARGS="--medvram"\nfi\n')
    with pytest.raises(SdsetupError) as refused:
        plan_from_file(context(root))
    assert refused.value.code == "launch-file-unclear"
    assert "line 2" in (refused.value.where or "")


@POSIX_ONLY
def test_flags_of_the_shell_count_where_the_file_has_none(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / "webui-user.sh").write_text('#export COMMANDLINE_ARGS=""\n')
    plan, _ = plan_from_file(context(root, env={"COMMANDLINE_ARGS": "--lowvram --port 7999"}))
    assert plan.flags == ("--lowvram", "--port", "7999")
    (root / "webui-user.sh").write_text('export COMMANDLINE_ARGS="--medvram"\nvenv_dir="venv"\n')
    plan, _ = plan_from_file(context(root, env={"COMMANDLINE_ARGS": "--lowvram"}))
    assert plan.flags == ("--medvram",)


@POSIX_ONLY
def test_one_reading_of_the_files_that_a_start_script_reads(tmp_path: Path) -> None:
    """Windows reads webui.settings.bat over the launch file; a Mac reads the launch file over its own."""
    (tmp_path / "webui-user.bat").write_bytes(b"set COMMANDLINE_ARGS=--api\r\nset A=1\r\ncall webui.bat --x\r\n")
    (tmp_path / "webui.settings.bat").write_bytes(b"set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --more\r\nset a=2\r\n")
    (tmp_path / "webui-macos-env.sh").write_text('export COMMANDLINE_ARGS="--upcast-sampling" B=1\n')
    (tmp_path / "webui-user.sh").write_text('export COMMANDLINE_ARGS="--listen"\nvenv_dir="other"\n')
    windows, mac = (
        effective(
            kind_of(family),
            [(tmp_path / name).read_bytes() for name in file_names(family)],
            encoding=None,
            environment={},
            folder=str(tmp_path),
        )
        for family in ("windows", "macos")
    )
    assert arguments(windows, {}) == ("--x", "--api", "--more") and windows.env["a"] == "2"
    assert arguments(mac, {}) == ("--listen",) and mac.env["B"] == "1" and mac.variables == {"venv_dir": "other"}


def test_a_detailed_log_is_asked_for_where_the_checkout_knows_it(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd", flags="--xformers")
    (root / "modules").mkdir()
    (root / "modules" / "timer.py").write_text('parser.add_argument("--log-startup")')
    plan, _ = plan_from_file(context(root))
    assert plan.flags == ("--xformers",)
    assert plan.env["COMMANDLINE_ARGS"] == "--xformers --log-startup"


def test_the_web_uis_own_settings_say_whether_a_browser_is_wanted(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    assert browser_option(context(root), ()) is None
    (root / "config.json").write_text('{"auto_launch_browser": "Disable"}')
    assert browser_option(context(root), ()) == "Disable"
    (root / "data").mkdir()
    (root / "data" / "config.json").write_text('{"auto_launch_browser": "Remote"}')
    assert browser_option(context(root), ("--data-dir", "data")) == "Remote"
    (root / "config.json").write_text("{damaged")
    assert browser_option(context(root), ()) is None


def test_a_folder_that_refuses_the_log_does_not_stop_the_start(tmp_path: Path) -> None:
    root = installation(tmp_path / "sd")
    (root / ".sdsetup").write_text("a file in the way")
    with running(root) as web:
        assert web.until(ready, PATIENCE)
        assert web.log.path is None
        assert web.log.lines


def test_the_model_may_fail_while_the_page_is_there(tmp_path: Path) -> None:
    error = "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge"
    root = installation(tmp_path / "sd", model="failed", model_error=error)
    with running(root) as web:
        assert web.until(lambda state: state.settled, PATIENCE)
        assert web.state.ready
        found = web.diagnose(BOOK)
    assert found is not None
    assert found.id == "damaged-model"
    play(root)
