"""Runs a command with one failing call, looks at what is left, and runs it again."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from practice import MODEL_SIZE, Practice

KINDS: tuple[int | str, ...] = (errno.ENOSPC, errno.EACCES, errno.EIO, "kill")
NEVER = ("Traceback (most recent call last)", "mistake of sdsetup itself", "Internal error", "Exception ignored")


def _nothing(_practice: Practice) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Command:
    """A changing command. `prepare` comes after the restore, before the run; `whole` asserts that it ended whole;
    `share` of its calls are failed in an ordinary run of the tests."""

    name: str
    arguments: Callable[[Practice, Path], tuple[str, ...]]
    whole: Callable[[Practice], None]
    prepare: Callable[[Practice], None] = _nothing
    stand_ins: bool = False
    launches: bool = False
    share: float = 1.0
    good: int = 0  # its exit code when nothing fails


@dataclass
class Run:
    """One failed call and what came of it. `faults` is empty for a clean one."""

    command: str
    call: str
    how: str
    rc: int
    faults: list[str] = field(default_factory=list)
    said: str = ""

    def __str__(self) -> str:
        return f"{self.command}: {self.how} at {self.call} (exit code {self.rc}): {'; '.join(self.faults)}"


def count(command: Command, practice: Practice, profiles: Path) -> list[str]:
    """The calls of a run in which nothing fails."""
    practice.restore()
    command.prepare(practice)
    done = _carried_out(command, practice, profiles, practice.fault(0, "kill", stand_ins=command.stand_ins))
    assert done.returncode == command.good, (done.stdout, done.stderr)
    command.whole(practice)
    return practice.calls()


def fail(command: Command, practice: Practice, profiles: Path, at: int, how: int | str) -> Run:
    """Let call number `at` fail, then run the same command again."""
    practice.restore()
    command.prepare(practice)
    theirs = practice.theirs()
    done = _carried_out(command, practice, profiles, practice.fault(at, how, stand_ins=command.stand_ins))
    calls = practice.calls()
    call = calls[at - 1] if at <= len(calls) else f"call {at}, which did not come"
    run = Run(command.name, call, how if isinstance(how, str) else errno.errorcode[how], done.returncode)
    run.said = done.stdout + done.stderr
    killed = how == "kill" and done.returncode == -signal.SIGKILL
    if not killed and done.returncode not in (0, 1, 2, 130):
        run.faults.append("exit code")
    run.faults += [f"said {word!r}" for word in NEVER if word in run.said]
    run.faults += [f"theirs: {name}" for name in _different(theirs, practice.theirs())]
    again = _carried_out(command, practice, profiles, {})
    if again.returncode != command.good:
        run.faults.append(f"again ended with {again.returncode}")
        run.said += f"\n--- again\n{again.stdout}{again.stderr}"
    else:
        try:
            command.whole(practice)
        except AssertionError as error:
            run.faults.append(f"not whole: {str(error)[:200]}")
    run.faults += [f"theirs, again: {name}" for name in _different(theirs, practice.theirs())]
    return run


def _different(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [name for name in before if before[name] != after.get(name)]


def _carried_out(
    command: Command, practice: Practice, profiles: Path, extra: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    arguments = command.arguments(practice, profiles)
    return _launched(practice, arguments, extra) if command.launches else practice.run(arguments, extra)


def _launched(
    practice: Practice, arguments: tuple[str, ...], extra: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Started, and ended as by Ctrl-C once it says that it is ready."""
    said = practice.home / "said"
    with said.open("w+b") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "sdsetup", *arguments],
            env={**practice.env, **extra},
            cwd=practice.home,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < deadline:
            if b"is ready after" in said.read_bytes():
                child.send_signal(signal.SIGINT)
                break
            time.sleep(0.05)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        # A killed launch leaves its web UI running, as a killed terminal does.
        _end_all_of(practice)
    text = said.read_text(errors="replace")
    return subprocess.CompletedProcess(arguments, child.returncode, text, "")


def _end_all_of(practice: Practice) -> None:
    import psutil

    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(practice.dir):
            process.kill()
            process.wait(10)


# The commands.


def _flags(practice: Practice) -> str:
    return (practice.dir / "webui-user.sh").read_text()


def _recorded(practice: Practice) -> list[str]:
    value: list[str] = json.loads((practice.dir / ".sdsetup" / "machine.json").read_text())["flags"]
    return value


def _tuned(practice: Practice) -> None:
    assert "--medvram" in _flags(practice), "not in the launch file"
    assert "--medvram" in _recorded(practice), "not recorded"


def _undone(practice: Practice) -> None:
    """Whichever way it ended: launch file and record agree, and there is a way on."""
    flags = {flag.split()[0] for flag in _recorded(practice)}
    missing = [flag for flag in flags if flag not in _flags(practice)]
    assert not missing, f"the record names {missing}, the launch file does not"
    assert (practice.dir / ".sdsetup" / "undo" / "point.json").is_file(), "no way back is left"


def _fetched(practice: Practice) -> None:
    model = practice.dir / "models" / "Stable-diffusion" / "mini.safetensors"
    assert model.is_file() and model.stat().st_size == MODEL_SIZE, "the model is not there"
    assert not list(model.parent.glob("mini.safetensors.part*")), "a part is left"


def _imported(practice: Practice) -> None:
    model = practice.dir / "models" / "Stable-diffusion" / "brought.safetensors"
    assert model.is_file(), "the model is not there"
    assert model.read_bytes() == (practice.outside / "brought.safetensors").read_bytes(), "it is another"


def _installed(practice: Practice) -> None:
    for name in ("BLIP", "k-diffusion", "generative-models", "stable-diffusion-stability-ai"):
        assert (practice.dir / "repositories" / name / "README.md").is_file(), f"{name} is missing"
    journal = json.loads((practice.dir / ".sdsetup" / "journal.json").read_text())
    assert {"webui", "environment", "model", "torch", "check", "picture"} <= set(journal["steps"])
    assert (practice.dir / "venv" / "bin" / "python").exists(), "no environment"
    assert (practice.dir / "models" / "Stable-diffusion" / "model.safetensors").is_file(), "no model"
    assert "--" in _flags(practice)


def _something_to_repair(practice: Practice) -> None:
    shutil.rmtree(practice.dir / "repositories" / "k-diffusion")


def _without_environment(practice: Practice) -> None:
    shutil.rmtree(practice.dir / "venv")


def _full_cache(practice: Practice) -> None:
    big = practice.cache / "uv" / "big"
    big.parent.mkdir(parents=True, exist_ok=True)
    with big.open("wb") as file:
        file.truncate(300_000_000)


def _freed(practice: Practice) -> None:
    assert not (practice.cache / "uv" / "big").exists(), "the cache is as full as before"


def _uninstalled(practice: Practice) -> None:
    assert not (practice.dir / "launch.py").exists(), "the web UI is still there"
    assert not (practice.dir / "venv").exists(), "the environment is still there"
    assert not (practice.dir / ".sdsetup").exists(), "records are left"


def _in_the_menu(practice: Practice) -> None:
    assert list(practice.home.rglob("*.desktop")), "no shortcut"


def _switched_off(practice: Practice) -> None:
    settings = json.loads((practice.dir / "config.json").read_text())
    assert settings.get("disabled_extensions") == ["mine"], "the extension is on"


def _something_set_aside(practice: Practice) -> None:
    _full_cache(practice)
    former = practice.dir / ".sdsetup" / "former" / "venv-1"
    former.mkdir(parents=True)
    (former / "pyvenv.cfg").write_text("home = /usr/bin\n")


def _nothing_set_aside(practice: Practice) -> None:
    _freed(practice)
    assert not (practice.dir / ".sdsetup" / "former" / "venv-1").exists(), "it is still set aside"


def _at_a_port_of_its_own(practice: Practice) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = practice.dir / "webui-user.sh"
    path.write_text(path.read_text().replace("COMMANDLINE_ARGS='", f"COMMANDLINE_ARGS='--port {port} "))


def _any_end(_practice: Practice) -> None:
    pass


def _to(*words: str) -> Callable[[Practice, Path], tuple[str, ...]]:
    def arguments(practice: Practice, profiles: Path) -> tuple[str, ...]:
        named = {"DIR": str(practice.dir), "OUTSIDE": str(practice.outside), "PROFILES": str(profiles)}
        return tuple(word.format(**named) for word in words)

    return arguments


COMMANDS = (
    Command(
        name="tune --apply",
        arguments=_to("tune", "--dir", "{DIR}", "--vram", "4", "--apply", "--anyway", "--yes"),
        whole=_tuned,
        share=0.4,
    ),
    Command(name="undo", arguments=_to("undo", "--dir", "{DIR}", "--yes"), whole=_undone, share=0.3),
    Command(
        name="model get",
        arguments=_to("model", "get", "mini", "--dir", "{DIR}", "--profiles", "{PROFILES}", "--yes"),
        whole=_fetched,
        share=0.35,
    ),
    Command(
        name="model import",
        arguments=_to("model", "import", "{OUTSIDE}/brought.safetensors", "--dir", "{DIR}"),
        whole=_imported,
        share=0.5,
    ),
    Command(
        name="model import --copy",
        arguments=_to("model", "import", "--copy", "{OUTSIDE}/brought.safetensors", "--dir", "{DIR}"),
        whole=_imported,
        share=0.5,
    ),
    Command(
        name="doctor --fix",
        arguments=_to("doctor", "--fix", "--yes", "--dir", "{DIR}", "--profiles", "{PROFILES}"),
        prepare=_full_cache,
        whole=_freed,
        good=1,  # the disk stays too small
        share=0.05,
    ),
    Command(
        name="launch",
        arguments=_to("launch", "--no-browser", "--dir", "{DIR}"),
        prepare=_at_a_port_of_its_own,
        whole=_any_end,
        launches=True,
        share=0.25,
    ),
    Command(
        name="install (repair)",
        arguments=_to("install", "--rehearse", "--yes", "--dir", "{DIR}"),
        prepare=_something_to_repair,
        whole=_installed,
        share=0.06,
    ),
    Command(
        name="install (stand-ins)",
        arguments=_to("install", "--rehearse", "--dir", "{DIR}", "--yes"),
        whole=_installed,
        stand_ins=True,
        share=0.02,
    ),
    Command(
        name="install (environment)",
        arguments=_to("install", "--rehearse", "--no-picture", "--yes", "--dir", "{DIR}"),
        prepare=_without_environment,
        whole=_installed,
        share=0.02,
    ),
    Command(
        name="uninstall",
        arguments=_to("uninstall", "--rehearse", "--yes", "--dir", "{DIR}"),
        whole=_uninstalled,
        share=0.01,
    ),
    Command(
        name="shortcut",
        arguments=_to("shortcut", "--yes", "--dir", "{DIR}"),
        whole=_in_the_menu,
        share=0.5,
    ),
    Command(
        name="extensions disable",
        arguments=_to("extensions", "disable", "mine", "--yes", "--dir", "{DIR}"),
        whole=_switched_off,
        share=0.3,
    ),
    Command(
        name="clean --set-aside",
        arguments=_to("clean", "--set-aside", "--yes"),
        prepare=_something_set_aside,
        whole=_nothing_set_aside,
        share=0.05,
    ),
)


def chosen(command: Command, calls: list[str]) -> list[tuple[int, int | str]]:
    """Which calls fail how: all of them with SDSETUP_TEST_FAULTS=all, else a share, the same every time."""
    every = [(at, how) for at in range(1, len(calls) + 1) for how in KINDS]
    wanted = os.environ.get("SDSETUP_TEST_FAULTS", "")
    if wanted == "all":
        return every
    dice = random.Random(f"{command.name} {os.environ.get('SDSETUP_TEST_SEED', '2026')}")
    return [pair for pair in every if dice.random() < command.share]
