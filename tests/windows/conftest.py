"""The Windows bench: real .bat files in a real cmd, and a real Windows CPython, under Wine.

Where the bench is not on this machine the tests here are skipped, and say so. It is looked for in
$SDSETUP_WINE_BENCH and beside the project, in ../shared/wine; its own folder is $WINELAB.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Read before the tests get a home of their own.
LAB = Path(os.environ.get("WINELAB") or Path.home() / ".cache" / "sdsetup-wine")
KIT = Path(os.environ.get("SDSETUP_WINE_BENCH") or ROOT.parent / "shared" / "wine")


# No pipes: Wine's server, and the services of its first program, would hold them open.
QUIET: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _missing() -> str | None:
    if not (KIT / "run-bat").is_file():
        return f"no Windows bench at {KIT} (set SDSETUP_WINE_BENCH)"
    if shutil.which("wine") is None:
        return "wine is not installed"
    if not (LAB / "bin" / "rawrun.exe").is_file():
        return f"the bench is not set up: run {KIT}/setup 3.10"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """They take two minutes, so they run when asked for: `-m windows`, a path in here, or .ci/windows."""
    here = Path(__file__).parent
    asked = "windows" in config.option.markexpr or any("tests/windows" in arg for arg in config.args)
    missing = _missing() if asked else "runs with `pytest -m windows tests/windows`, or in .ci/windows"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.windows)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def wineserver() -> Iterator[None]:
    """One server for all tests: each program then starts in half a second, and none outlives us as a child."""
    env = {**os.environ, "WINEPREFIX": str(LAB / "prefix"), "WINEDEBUG": "-all", "WINEARCH": "win64"}
    started = subprocess.run(["wineserver", "-p120"], env=env, **QUIET)
    subprocess.run(["wine", "cmd", "/c", "exit"], env=env, **QUIET)
    yield
    if started.returncode == 0:
        subprocess.run(["wineserver", "-k"], env=env, **QUIET)


@pytest.fixture(scope="session")
def bench(wineserver: None) -> Any:
    """The bench's `run-bat` as a module."""
    os.environ["WINELAB"] = str(LAB)
    loader = importlib.machinery.SourceFileLoader("runbat", str(KIT / "run-bat"))
    spec = importlib.util.spec_from_loader("runbat", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)

    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def reset_registry(bench: Any) -> None:
    """The registry as the bench was set up with; its server ends with it, and another is started."""
    env = bench.wine_env({"WINELAB": str(LAB)})
    subprocess.run([str(KIT / "scene"), "--reset"], env=env, check=True, **QUIET)
    subprocess.run(["wineserver", "-p120"], env=env, **QUIET)
    subprocess.run(["wine", "cmd", "/c", "exit"], env=env, **QUIET)


@pytest.fixture(params=["437", "866", "932"])
def page(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """A console code page: (Python's name of it, the country whose Windows has it)."""
    country = {"437": None, "866": "ru_RU", "932": "ja_JP"}[request.param]
    if country and shutil.which("localedef") is None:
        pytest.skip("localedef is not installed, so other code pages cannot be had")
    if country and not (Path("/usr/share/i18n/locales") / country).is_file():
        pytest.skip(f"the locale {country} is not installed (Debian's package locales)")
    return f"cp{request.param}", country


@dataclass(frozen=True)
class Ended:
    rc: int
    out: str
    err: str


class Cmd:
    """Runs command lines in the bench's Windows, exactly as written."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def __call__(
        self,
        line: str,
        *,
        cwd: str = "C:\\windows\\system32",
        locale: str | None = None,
        timeout: float = 240,
        encoding: str = "utf-8",
        **env: str,
    ) -> Ended:
        """`cwd` is a Windows folder, `locale` a country ("ru_RU"), `encoding` its output's. stdin is empty."""
        # The homes that our tests get are folders of this machine, not of the bench's Windows.
        hidden = [name for name in os.environ if name.startswith("SDSETUP_")] + ["USERPROFILE", "TMPDIR"]
        child = subprocess.Popen(
            ["wine", str(LAB / "bin" / "rawrun.exe")],
            cwd=self.bench.host_path(cwd),
            env=self.bench.wine_env({"BENCH_CMDLINE": line, **env}, hidden, locale),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise
        lines = err.decode(encoding, "backslashreplace").splitlines(keepends=True)
        err_text = "".join(line for line in lines if not any(word in line for word in _WINE_NOISE))
        return Ended(child.returncode, _text(out.decode(encoding, "replace")), _text(err_text))

    def explorer(self, bat: str, **env: str) -> Ended:
        """A double click. Wine's cmd does not set CMDCMDLINE, so it is set as Windows' does."""
        line = f'C:\\windows\\system32\\cmd.exe /c ""{bat}" "'
        return self(line, cwd=bat.rpartition("\\")[0], CMDCMDLINE=line, **env)


_WINE_NOISE = ("wine32 is missing", "multiarch needs", 'execute "dpkg', "apt-get install wine32")


def _text(said: str) -> str:
    return said.replace("\r\n", "\n")


@pytest.fixture
def cmd(bench: Any) -> Cmd:
    return Cmd(bench)


def windows_path(path: Path) -> str:
    """A path of this machine as the bench's Windows names it."""
    return "Z:" + str(path).replace("/", "\\")


def python_program(python: Path, script: str) -> bytes:
    """An .exe that runs `script` with that Windows Python: made as pip makes its own."""
    launcher = python.parent / "Lib/site-packages/pip/_vendor/distlib/t64.exe"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", script)
    return launcher.read_bytes() + f'#!"{windows_path(python)}"\r\n'.encode() + packed.getvalue()


@pytest.fixture(scope="session")
def windows_python() -> Path:
    """python.exe of the bench's CPython 3.10, as a path of this machine."""
    python = LAB / "py310" / "python.exe"
    if not python.is_file():
        pytest.skip(f"the bench has no Windows Python: run {KIT}/setup 3.10")
    return python


@pytest.fixture(scope="session")
def product(bench: Any, windows_python: Path) -> None:
    """sdsetup as it stands here, installed in the bench's Windows Python."""
    installed = windows_python.parent / "Lib" / "site-packages" / "sdsetup"
    for ours in (ROOT / "src" / "sdsetup").rglob("*.py"):
        theirs = installed / ours.relative_to(ROOT / "src" / "sdsetup")
        if not theirs.is_file() or theirs.read_bytes() != ours.read_bytes():
            pytest.skip("the bench's Python has no sdsetup of this state: run .ci/windows")


class Sdsetup:
    """`python -m sdsetup` in the bench. Its pipes are in the code page of the country given as `locale`."""

    def __init__(self, cmd: Cmd, python: Path) -> None:
        self.cmd = cmd
        self.python = windows_path(python)

    def __call__(self, arguments: str, *, timeout: float = 100, **options: Any) -> Ended:
        return self.cmd(f"{self.python} -m sdsetup {arguments}", cwd="C:\\", timeout=timeout, **options)


@pytest.fixture
def sdsetup(product: None, cmd: Cmd, windows_python: Path) -> Sdsetup:
    return Sdsetup(cmd, windows_python)


@pytest.fixture(scope="module")
def git_exe(bench: Any, windows_python: Path) -> str:
    """A folder for PATH with a git.exe that is this machine's git (see git_of_the_host.py)."""
    script = (Path(__file__).parent / "git_of_the_host.py").read_text()
    folder = bench.host_path("C:\\bench\\git")
    folder.mkdir(parents=True, exist_ok=True)
    script = script.replace('os.environ["WINEPREFIX"]', repr(str(LAB / "prefix")))
    (folder / "git.exe").write_bytes(python_program(windows_python, script))
    return "C:\\bench\\git"
