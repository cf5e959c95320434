"""This computer."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdsetup.machine import Completed, network, posix, programs
from sdsetup.machine.answers import Kernel, Windows
from sdsetup.machine.decoding import decode
from sdsetup.machine.run_once import run_short
from sdsetup.values.facts import Python

if sys.platform == "win32":
    from sdsetup.machine import windows

if TYPE_CHECKING:
    from sdsetup.machine.answers import MemoryStatus, NvmlAnswer, PortState, Reached, Volume
    from sdsetup.values.facts import Drive, Family

# The driver's control device; under WSL the way to the driver of Windows.
_NVIDIA_RUNS = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg")
_APP_EXECUTION_LINK = 0x8000001B  # IO_REPARSE_TAG_APPEXECLINK: the Microsoft Store's stand-in programs


class RealMachine:
    """The operating system this process runs on."""

    def __init__(
        self, env: Mapping[str, str] | None = None, *, looked_at: Path | None = None, passed: Path | None = None
    ) -> None:
        """`looked_at`, `passed`: folders as `looking_at` and `passing_over` have them."""
        self._env = dict(os.environ if env is None else env)
        self._looked_at = looked_at
        self._passed = passed

    @property
    def family(self) -> Family:
        if sys.platform == "win32":
            return "windows"
        return "macos" if sys.platform == "darwin" else "linux"

    @property
    def env(self) -> Mapping[str, str]:
        return self._env

    @property
    def home(self) -> Path:
        try:
            return Path.home()
        except RuntimeError:  # no HOME and no entry in the user database
            return Path(os.curdir)

    def looking_at(self, folder: Path) -> RealMachine:
        return RealMachine(self._env, looked_at=folder, passed=self._passed)

    def passing_over(self, folder: Path) -> RealMachine:
        return RealMachine(self._env, looked_at=self._looked_at, passed=folder)

    def which(self, name: str) -> str | None:
        folders = (self._untrusted(self._looked_at), self._untrusted(self._passed))
        return programs.find(name, self._env, outside=[folder for folder in folders if folder is not None])

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        program = argv[0] if os.path.dirname(argv[0]) else self.which(argv[0])  # noqa: PTH120 - a bare name has none
        if program is None:
            return Completed(rc=None, problem="missing")
        if self._looked_at is not None:
            untrusted = self._untrusted(self._looked_at)
            if untrusted is not None and programs.lies_in(Path(program), untrusted):
                return Completed(rc=None, problem="untrusted")
            # Git would read the configuration of the folder it stands in.
            cwd = cwd or Path(self._env.get("SYSTEMROOT") or Path(program).anchor)
        return run_short([program, *argv[1:]], timeout=timeout, cwd=cwd, env={**self._env, **(env or {})})

    def _untrusted(self, folder: Path | None) -> Path | None:
        """A folder whose programs do not count. One that holds the home is the user's whole account, with the
        Python and the git that they use: its programs are theirs."""
        return None if folder is None or programs.lies_in(self.home, folder) else folder

    def read_text(self, path: str | Path, limit: int = 1_000_000) -> str | None:
        try:
            # A pipe that stands where a file should be would keep us waiting for its writer.
            if not Path(path).is_file():
                return None
            with Path(path).open("rb") as file:
                return decode(file.read(limit))
        except (OSError, ValueError):
            return None

    def exists(self, path: str | Path) -> bool:
        try:
            return Path(path).exists()
        except (OSError, ValueError):
            return False

    def glob(self, folder: str | Path, pattern: str) -> tuple[Path, ...]:
        try:
            return tuple(sorted(Path(folder).glob(pattern)))
        except (OSError, ValueError):
            return ()

    def registry_values(self, hive: str, key: str, *, view: int = 64) -> Mapping[str, Any] | None:
        if sys.platform == "win32":
            return windows.registry_values(hive, key, view)
        return None

    def registry_subkeys(self, hive: str, key: str, *, view: int = 64) -> tuple[str, ...]:
        if sys.platform == "win32":
            return windows.registry_subkeys(hive, key, view)
        return ()

    def kernel(self) -> Kernel:
        # os.uname and the environment, not `platform`: that module starts programs to find out.
        told = os.uname() if sys.platform != "win32" else None
        return Kernel(
            system=told.sysname if told else "Windows",
            release=told.release if told else None,
            machine=told.machine if told else self._env.get("PROCESSOR_ARCHITECTURE"),
            bits=64 if sys.maxsize > 2**32 else 32,
            libc=posix.libc(),
            groups=posix.groups(),
            superuser=posix.superuser(),
        )

    def windows(self) -> Windows:
        if sys.platform == "win32":
            return windows.answers()
        return Windows()

    def running_python(self) -> Python:
        return Python(
            path=_base_python(),
            version=sys.version_info[:3],
            bits=64 if sys.maxsize > 2**32 else 32,
            implementation={"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name),
            origin="running",
        )

    def memory(self) -> MemoryStatus | None:
        if sys.platform == "win32":
            return windows.memory()
        return None

    def cores(self) -> tuple[int | None, int | None]:
        if sys.platform == "win32":
            return windows.physical_cores(), os.cpu_count()
        return None, os.cpu_count()

    def volume(self, path: str | Path) -> Volume | None:
        if sys.platform == "win32":
            return windows.volume(path)
        return posix.volume(path)

    def drives(self) -> tuple[Drive, ...]:
        if sys.platform == "win32":
            return windows.drives()
        return ()

    def loads(self, library: str) -> bool:
        if sys.platform == "win32":
            return windows.loads(library)
        import ctypes

        try:
            ctypes.CDLL(library)
        except OSError:
            return False
        return True

    def kind(self, path: str | Path) -> str:
        try:
            told = os.lstat(path)
            if getattr(told, "st_reparse_tag", 0) == _APP_EXECUTION_LINK:
                return "alias"
            return "folder" if Path(path).is_dir() else "file"
        except (FileNotFoundError, NotADirectoryError):
            return "absent"
        except (OSError, ValueError):
            return "unreadable"

    def resolve(self, path: str | Path) -> str:
        try:
            return os.path.realpath(path)
        except (OSError, ValueError):
            return str(path)

    def foreign_owner(self, path: str | Path) -> bool | None:
        if sys.platform == "win32":
            return windows.foreign_owner(path)
        return posix.foreign_owner(path, self._env)

    def write_problem(self, folder: str | Path) -> str | None:
        if sys.platform != "win32":
            return None if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
        # Windows' rights cannot be computed, and Controlled Folder Access shows only in the attempt.
        try:
            handle, name = tempfile.mkstemp(prefix=".sdsetup-", dir=folder)
            os.close(handle)
            Path(name).unlink()
        except OSError as error:
            return error.strerror or str(error)
        return None

    def port(self, number: int) -> PortState:
        return network.port(number)

    def reach(self, url: str, *, proxy: str | None, seconds: float) -> Reached:
        return network.reach(url, proxy=proxy, env=self._env, seconds=seconds)

    def nvml(self) -> NvmlAnswer | None:
        if sys.platform == "linux" and not any(map(self.exists, _NVIDIA_RUNS)):
            return None  # no driver is loaded, so there is nobody to ask
        from sdsetup.machine import nvml

        return nvml.ask()


def _base_python() -> str:
    """Behind a virtual environment stands the interpreter that can build another one."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    named = "python.exe" if sys.platform == "win32" else f"bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    base = Path(sys.base_prefix) / named
    return str(base) if base.exists() else sys.executable
