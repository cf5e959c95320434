"""The web UI's port: free, or held by whom."""

from __future__ import annotations

import re
from typing import Any

from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.values.facts import Port


def ask(asked: Asked) -> dict[str, Any]:
    state = asked.machine.port(asked.port)
    holder = None
    if state.free is False and not state.reserved:
        holder = _holder(asked.machine, asked.port)
    return {"port": Port(number=asked.port, free=state.free, holder=holder, reserved=state.reserved)}


def _holder(machine: Machine, number: int) -> str | None:
    if machine.family == "windows":
        told = machine.run(["netstat", "-ano", "-p", "TCP"], timeout=2)
        pid = parse_netstat(told.out, number)
        if pid is None:
            return None
        named = machine.run(["tasklist", "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH"], timeout=1.5)
        return f"{parse_tasklist(named.out, pid) or 'a program'} (pid {pid})"
    if machine.family == "linux":
        told = machine.run(["ss", "-Hltnp", f"sport = :{number}"], timeout=2)
        return parse_ss(told.out)
    told = machine.run(["lsof", "-nP", f"-iTCP:{number}", "-sTCP:LISTEN", "-Fpc"], timeout=2)
    return parse_lsof(told.out)


def parse_netstat(text: str, number: int) -> int | None:
    """The process that listens, from Windows' `netstat -ano`; the word for the state is translated."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 5 and words[1].endswith(f":{number}") and words[2].endswith(":0") and words[4].isdigit():
            return int(words[4][:10])
    return None


def parse_tasklist(text: str, pid: int) -> str | None:
    match = re.search(rf'^"([^"\n]+)","{pid}"', text, re.MULTILINE)
    return match[1] if match else None


def parse_ss(text: str) -> str | None:
    match = re.search(r'users:\(\("([^"]+)",pid=(\d+)', text)
    return f"{match[1]} (pid {match[2]})" if match else None


def parse_lsof(text: str) -> str | None:
    pid = re.search(r"^p(\d+)$", text, re.MULTILINE)
    name = re.search(r"^c(.+)$", text, re.MULTILINE)
    return f"{name[1]} (pid {pid[1]})" if pid and name else None
