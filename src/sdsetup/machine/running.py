"""Whether a web UI or git runs in a folder, whoever started it: told by the processes of this PC."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from sdsetup.values.parts import Running

_SCRIPTS = ("launch.py", "webui.py")


def running_web_ui(folder: Path) -> Running | None:
    """The process that runs the web UI of this folder, with the ports it listens on; None where none is seen.

    Processes of other accounts may hide where they stand; they are not seen then.
    """
    wanted = os.path.normcase(os.path.realpath(folder))
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if not any(Path(word).name in _SCRIPTS for word in words[1:4]):
                continue
            if os.path.normcase(os.path.realpath(process.cwd())) != wanted:
                continue
            ports = _ports(process)
        except (psutil.Error, OSError, ValueError):
            continue
        return Running(pid=process.pid, ports=ports)
    return None


def git_runs(folder: Path) -> bool:
    """Whether a git process works in this folder or below; processes of other accounts may not be seen."""
    wanted = os.path.normcase(os.path.realpath(folder))
    for process in psutil.process_iter():
        try:
            if process.name().lower().removesuffix(".exe") != "git":
                continue
            place = os.path.normcase(os.path.realpath(process.cwd()))
        except (psutil.Error, OSError, ValueError):
            continue
        if place == wanted or place.startswith(wanted + os.sep):
            return True
    return False


def _ports(process: psutil.Process) -> tuple[int, ...]:
    try:
        ask = getattr(process, "net_connections", None) or process.connections
        listening = {one.laddr.port for one in ask("inet") if one.status == psutil.CONN_LISTEN}
    except (psutil.Error, OSError):
        return ()
    return tuple(sorted(listening))
