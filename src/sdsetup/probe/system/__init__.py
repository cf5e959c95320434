"""The operating system, as far as the web UI cares."""

from __future__ import annotations

from typing import Any

from sdsetup.probe.asked import Asked
from sdsetup.probe.system import linux, macos, windows


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    match machine.family:
        case "windows":
            return {"system": windows.ask(machine)}
        case "macos":
            return {"system": macos.ask(machine)}
        case "linux":
            return {"system": linux.ask(machine)}
