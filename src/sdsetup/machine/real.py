"""This computer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdsetup.decide.facts import Family
from sdsetup.machine import Completed


class RealMachine:
    """The operating system this process runs on."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = dict(os.environ if env is None else env)

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
            return Path.cwd()

    def which(self, name: str) -> str | None:
        # shutil.which looks into the current folder first on Windows: a planted git.exe must not win.
        found = shutil.which(name, path=self._env.get("PATH", ""))
        if found is None or Path(found).parent.resolve() == Path.cwd().resolve():
            return None
        return found

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
        try:
            ended = subprocess.run(
                [program, *argv[1:]],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=timeout,
                cwd=cwd,
                env={**self._env, **(env or {})},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Completed(rc=None, problem="timeout")
        except FileNotFoundError:
            return Completed(rc=None, problem="missing")
        except PermissionError:
            return Completed(rc=None, problem="denied")
        except (OSError, ValueError) as error:
            return Completed(rc=None, err=str(error), problem="broken")
        return Completed(rc=ended.returncode, out=decode(ended.stdout), err=decode(ended.stderr))

    def read_text(self, path: str | Path, limit: int = 1_000_000) -> str | None:
        try:
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
        if sys.platform != "win32":
            return None
        import winreg

        try:
            with _open_key(hive, key, view) as opened:
                count = winreg.QueryInfoKey(opened)[1]
                values = (winreg.EnumValue(opened, n) for n in range(count))
                return {name: value for name, value, _kind in values}
        except OSError:
            return None

    def registry_subkeys(self, hive: str, key: str, *, view: int = 64) -> tuple[str, ...]:
        if sys.platform != "win32":
            return ()
        import winreg

        try:
            with _open_key(hive, key, view) as opened:
                return tuple(winreg.EnumKey(opened, n) for n in range(winreg.QueryInfoKey(opened)[0]))
        except OSError:
            return ()


def decode(data: bytes) -> str:
    """Text of a child program: UTF-8 where it is that, else the console's code page, never an exception."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        encoding = "oem" if sys.platform == "win32" else "latin-1"
        text = data.decode(encoding, errors="replace")
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n")


def _open_key(hive: str, key: str, view: int) -> Any:
    import winreg

    roots = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER}  # type: ignore[attr-defined,unused-ignore]
    wow = winreg.KEY_WOW64_64KEY if view == 64 else winreg.KEY_WOW64_32KEY  # type: ignore[attr-defined,unused-ignore]
    return winreg.OpenKey(roots[hive], key, 0, winreg.KEY_READ | wow)  # type: ignore[attr-defined,unused-ignore]
