"""The operating system, as far as the web UI cares."""

from __future__ import annotations

from typing import Any

from sdsetup.probe.asked import Asked


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    match machine.family:
        case "windows":
            from sdsetup.probe.system import windows

            return {"system": windows.ask(machine)}
        case "macos":
            from sdsetup.probe.system import macos

            return {"system": macos.ask(machine)}
        case "linux":
            from sdsetup.probe.system import linux

            return {"system": linux.ask(machine)}
