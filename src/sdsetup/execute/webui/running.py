"""Whether a web UI of this installation is running: nothing of it is exchanged or removed then."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.text import Text


def running(folder: Path) -> int | None:
    """The process id of a Python that runs `launch.py` or `webui.py` in this folder; None where none does."""
    home = _plain(folder)
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words, cwd = process.info["cmdline"] or (), process.info["cwd"]
        names = {os.path.basename(word) for word in words[1:]}  # noqa: PTH119 - words of any program
        if cwd and _plain(cwd) == home and names & {"launch.py", "webui.py"}:
            pid: int = process.info["pid"]
            return pid
    return None


def refuse_running(context: Context) -> None:
    """Raises:
    SdsetupError: `webui-running`.
    """
    pid = running(context.dir)
    if pid is not None:
        raise SdsetupError(
            Text("The web UI is running (process {pid})", pid=str(pid)),
            where=context.dir,
            hint=Text("Close it (Ctrl-C in its window), then run the same command again."),
            code="webui-running",
        )


def _plain(path: str | Path) -> str:
    return os.path.normcase(os.path.realpath(path))
