"""Processes of this PC: the web UI or git at work in a folder, and how much memory one took at its height."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from sdsetup.values.contents import Running

_SCRIPTS = ("launch.py", "webui.py")
_HIDDEN = (psutil.Error, OSError, ValueError)  # of other accounts, or gone meanwhile: not seen then


def running_web_ui(folder: Path) -> Running | None:
    """The process that runs the web UI of this folder, with the ports it listens on; None where none is seen."""
    wanted = _real(folder)
    for process, place in _standing():
        with contextlib.suppress(*_HIDDEN):
            if place == wanted and any(Path(word).name in _SCRIPTS for word in process.cmdline()[1:4]):
                return Running(pid=process.pid, ports=_ports(process))
    return None


def git_runs(folder: Path) -> bool:
    """Whether a git process works in this folder or below."""
    wanted = _real(folder)
    for process, place in _standing():
        with contextlib.suppress(*_HIDDEN):
            inside = place == wanted or place.startswith(wanted + os.sep)
            if inside and process.name().lower().removesuffix(".exe") == "git":
                return True
    return False


def _standing() -> Iterator[tuple[psutil.Process, str]]:
    """Every process that tells in which folder it stands, and that folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(*_HIDDEN):
            yield process, _real(process.cwd())


def _real(folder: str | Path) -> str:
    return os.path.normcase(os.path.realpath(folder))


def _ports(process: psutil.Process) -> tuple[int, ...]:
    try:
        ask = getattr(process, "net_connections", None) or process.connections
        listening = {one.laddr.port for one in ask("inet") if one.status == psutil.CONN_LISTEN}
    except (psutil.Error, OSError):
        return ()
    return tuple(sorted(listening))


def peak_memory(pid: int) -> int | None:
    """Bytes of main memory that this process or one of its children held at most; None when not known.

    The largest single one: on Windows an environment's python.exe only starts the real one.
    """
    try:
        root = psutil.Process(pid)
        peaks = [_peak(process) for process in (root, *root.children(recursive=True))]
    except psutil.Error:
        return None
    return max((peak for peak in peaks if peak is not None), default=None)


def _peak(process: psutil.Process) -> int | None:
    try:
        if sys.platform == "linux":
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        memory = process.memory_info()
        # Where only the present amount is known, that is better than nothing.
        return int(getattr(memory, "peak_wset", memory.rss))
    except (psutil.Error, OSError, ValueError):
        return None
