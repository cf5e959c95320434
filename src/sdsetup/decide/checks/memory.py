"""Checks of memory and of the page file or swap behind it."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.decide.checks.wording import memory as gb
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text, rounded
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix

_MEMORY = Text("Memory")
_PAGEFILE = Text("Page file")
_SWAP = Text("Swap")
# A processor's graphics take some of the memory for themselves: a PC sold with 16 GB may report 14.9.
_SHARE = 0.9


def memory(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "memory", "memory", _MEMORY):
        return found
    total = facts.memory.total_bytes
    if total is None:
        return Finding(id="memory", status="skip", title=_MEMORY, summary=Text("its size is not known"))
    free = facts.memory.available_bytes
    said = (
        Text(
            "{total}, {free} free now", total=gb(total), free=Text("{number} GB", number=rounded(free / 2**30, 1))
        )
        if free is not None
        else gb(total)
    )
    limits = need.limits
    if total >= limits.memory_good * _SHARE:
        return Finding(id="memory", status="ok", title=_MEMORY, summary=said)
    if facts.system.wsl:
        fix = Fix(
            text=Text("WSL takes half of the PC's memory. Give it more in .wslconfig, then restart WSL:"),
            command="wsl --shutdown",
        )
    elif total >= limits.memory_least * _SHARE:
        fix = Fix(text=Text("It works. Close other programs, browsers above all, while a model is loaded."))
    else:
        fix = Fix(text=Text("Add memory if you can; until then use small models (SD 1.5) and a large page file."))
    return Finding(
        id="memory",
        status="warn",
        title=_MEMORY,
        summary=said,
        why=Text(limits.memory_because),
        fix=fix,
    )


def pagefile(facts: Facts, need: Requirements) -> Finding:
    windows = facts.system.family == "windows"
    title = _PAGEFILE if windows else _SWAP
    if found := unanswered(facts, "memory", "pagefile", title):
        return found
    told, limits = facts.memory, need.limits
    if facts.system.family == "macos":
        return Finding(id="pagefile", status="ok", title=title, summary=Text("macOS makes room by itself"))
    if told.pagefile_bytes is None or told.total_bytes is None:
        return Finding(id="pagefile", status="skip", title=title, summary=Text("its size is not known"))
    wanted = (
        limits.pagefile_with_good
        if told.total_bytes >= limits.memory_good * _SHARE
        else limits.pagefile_with_least
        if told.total_bytes >= limits.memory_least * _SHARE
        else limits.pagefile_with_little
    )
    size = gb(told.pagefile_bytes) if told.pagefile_bytes >= 2**26 else None
    managed = windows and told.pagefile_managed
    if size is None:
        said = Text("Windows makes one as needed") if managed else Text("none")
    else:
        said = Text("{size}, chosen by Windows", size=size) if managed else size
    # Windows enlarges a page file of its own choosing as it is needed, so its size now is no limit.
    lacking = told.pagefile_bytes < wanted * _SHARE and not managed
    if windows and size is None and not managed and told.total_bytes < limits.memory_plenty * _SHARE:
        lacking = True
    if not lacking:
        return Finding(id="pagefile", status="ok", title=title, summary=said)
    wanted = max(wanted, limits.pagefile_with_least)
    return Finding(
        id="pagefile",
        status="warn",
        title=title,
        summary=said,
        why=Text(limits.pagefile_because)
        if windows
        else Text("With little memory Linux ends the web UI while it loads a model, unless there is swap."),
        fix=_pagefile_cure(facts, wanted),
    )


def _pagefile_cure(facts: Facts, wanted: int) -> Fix:
    if facts.system.family == "windows":
        return Fix(
            text=Text(
                "Advanced > Virtual memory: let Windows manage it, or set {size}. It opens with:", size=gb(wanted)
            ),
            command="SystemPropertiesPerformance",
        )
    if facts.system.wsl:
        return Fix(
            text=Text("Set swap={size} in .wslconfig, then restart WSL:", size=f"{wanted >> 30}GB"),
            command="wsl --shutdown",
        )
    return Fix(
        text=Text("Add a swap file of {size}, as administrator:", size=gb(wanted)),
        command=f"sudo fallocate -l {wanted >> 30}G /swapfile && sudo chmod 600 /swapfile"
        " && sudo mkswap /swapfile && sudo swapon /swapfile",
    )
