"""macOS: its version, the chip, and whether this Python is translated by Rosetta."""

from __future__ import annotations

import re

from sdsetup.machine import Machine
from sdsetup.values.facts import System


def ask(machine: Machine) -> System:
    kernel = machine.kernel()
    version = parse_sw_vers(machine.run(["sw_vers"], timeout=3).out)
    told = parse_sysctl(machine.run(["sysctl", "sysctl.proc_translated", "hw.optional.arm64"], timeout=3).out)
    arm = told.get("hw.optional.arm64") == 1 or kernel.machine == "arm64"
    return System(
        family="macos",
        name=f"macOS {version}" if version else "macOS",
        version=version,
        bits=64,
        arch=kernel.machine,
        native_arch="arm64" if arm else kernel.machine,
        rosetta=told.get("sysctl.proc_translated") == 1 or (arm and kernel.machine == "x86_64"),
        groups=kernel.groups,
        root=kernel.superuser,
        user_is_ascii=str(machine.home).isascii(),
    )


def parse_sw_vers(text: str) -> str | None:
    match = re.search(r"^ProductVersion:\s*(\d{1,3}(?:\.\d{1,3}){0,2})\s*$", text, re.MULTILINE)
    return match[1] if match else None


def parse_sysctl(text: str) -> dict[str, int]:
    """ "hw.optional.arm64: 1": names that this Mac does not know are simply not there."""
    return {name: int(value) for name, value in re.findall(r"^([\w.]+): (\d{1,18})$", text, re.MULTILINE)}
