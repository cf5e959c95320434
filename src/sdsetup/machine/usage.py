"""How much memory a program took at its height."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import psutil


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
