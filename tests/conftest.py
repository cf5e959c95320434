"""Guards for every test: no real home, no sockets but loopback, no stray processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine and its other work, nothing of what is tested.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a home of its own: nothing of the person's is read or written."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("LOG", "DATA", "CACHE"):
        monkeypatch.setenv(f"SDSETUP_{name}_DIR", str(home / name.lower()))
    for name in ("XDG_DATA_HOME", "XDG_DESKTOP_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SDSETUP_LANG", "en")  # whatever this system speaks
    for name in list(os.environ):
        if name.startswith(("HF_", "SDSETUP_PROFILES")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails with the address it wanted."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if host is not None and not (str(host).startswith("127.") or host in ("localhost", "::1")):
            raise AssertionError(f"a test tried to reach {address}")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def no_stray_processes() -> Iterator[None]:
    """Whatever a test starts has ended with it."""
    import psutil

    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}
    yield
    stray = [child for child in me.children(recursive=True) if child.pid not in before]
    _gone, alive = psutil.wait_procs(stray, timeout=3)
    names = []
    for child in alive:
        try:
            names.append(" ".join(child.cmdline())[:200])
            child.kill()
        except psutil.NoSuchProcess:
            continue
    assert not names, f"still running after the test: {names}"


_judged: dict[tuple[str, ...], str | None] = {}


@pytest.fixture(autouse=True)
def commands_can_be_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every command of ours that is made to be pasted in any test, or printed by a run that a test starts, is one
    that the command line takes."""
    from sdsetup.command import Command

    if request.module.__name__ in ("test_command", "test_harmless"):  # they quote any words there are
        yield
        return
    made: set[tuple[str, ...]] = set()
    outputs: list[Any] = []
    make, communicate = Command.__new__, subprocess.Popen.communicate

    def noted(cls: type[Command], *argv: object, family: str | None = None) -> Command:
        command = make(cls, *argv, family=family)
        if command.argv[0] == "sdsetup":
            made.add(command.argv)
        return command

    def heard(process: subprocess.Popen[Any], *arguments: Any, **options: Any) -> tuple[Any, Any]:
        said = communicate(process, *arguments, **options)
        if _is_ours(process.args):
            outputs.extend(said)
        return said

    monkeypatch.setattr(Command, "__new__", noted)
    monkeypatch.setattr(subprocess.Popen, "communicate", heard)
    terminals: dict[int, list[str]] = {}
    pexpect: Any = sys.modules.get("pexpect")
    if pexpect is not None:
        read = pexpect.spawn.read_nonblocking

        def seen(terminal: Any, *arguments: Any, **options: Any) -> Any:
            said = read(terminal, *arguments, **options)
            if _is_ours(terminal.args or ()):
                terminals.setdefault(id(terminal), []).append(said if isinstance(said, str) else said.decode())
            return said

        monkeypatch.setattr(pexpect.spawn, "read_nonblocking", seen)
    yield
    outputs.extend("".join(said) for said in terminals.values())
    if any(outputs):
        from printed import printed

        made.update(argv for said in outputs for argv in printed(said))
    if made - _judged.keys():
        from command_line import refusal  # typer and the commands: most tests need neither
    asked = frozenset(made)  # judging makes commands of its own
    for argv in asked - _judged.keys():
        _judged[argv] = refusal(argv)
    wrong = {argv: _judged[argv] for argv in asked if _judged[argv] is not None}
    assert not wrong, f"commands that cannot be run: {wrong}"


def _is_ours(argv: Any) -> bool:
    """A process that runs sdsetup, as a module or by its starter."""
    words = [os.fsdecode(word) for word in argv] if isinstance(argv, (list, tuple)) else [str(argv)]
    return any(word == "sdsetup" or word.endswith(("sdsetup.sh", "sdsetup.bat", "/sdsetup")) for word in words)
