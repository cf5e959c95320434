"""Checks of system memory, and of the page file or swap that extends it."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import memory as gb
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text, rounded
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix

_MEMORY = Text("System memory")
_PAGEFILE = Text("Page file")
_SWAP = Text("Swap")
# Integrated graphics reserve some of the memory: a PC sold with 16 GB may report 14.9.
_SHARE = 0.9


def memory(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "memory", "memory", _MEMORY):
        return found
    total = facts.memory.total_bytes
    if total is None:
        return Finding(id="memory", status="skip", title=_MEMORY, summary=Text("size unknown"))
    free = facts.memory.available_bytes
    said = (
        Text("{total} ({free} free)", total=gb(total), free=Text("{number} GB", number=rounded(free / 2**30, 1)))
        if free is not None
        else gb(total)
    )
    limits = need.limits
    if total >= limits.memory_good * _SHARE:
        return Finding(id="memory", status="ok", title=_MEMORY, summary=said)
    if facts.system.wsl:
        fix = Fix(
            text=Text(
                "WSL gets half of the PC's memory by default. Set a higher limit in .wslconfig, then restart WSL:"
            ),
            command="wsl --shutdown",
        )
    elif total >= limits.memory_least * _SHARE:
        fix = Fix(
            text=Text("This is enough if you close other programs, especially browsers, while a model loads.")
        )
    else:
        fix = Fix(text=Text("Add memory if you can. Until then, use small models (SD 1.5) and a large page file."))
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
        return Finding(id="pagefile", status="ok", title=title, summary=Text("managed by macOS"))
    if told.pagefile_bytes is None or told.total_bytes is None:
        return Finding(id="pagefile", status="skip", title=title, summary=Text("size unknown"))
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
        said = Text("managed by Windows") if managed else Text("none")
    else:
        said = Text("{size} (managed by Windows)", size=size) if managed else size
    # Windows enlarges a page file that it manages as needed, so the present size is no limit.
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
        else Text("Without swap, Linux ends the web UI when it runs out of memory while loading a model."),
        fix=_pagefile_fix(facts, wanted),
    )


def _pagefile_fix(facts: Facts, wanted: int) -> Fix:
    if facts.system.family == "windows":
        return Fix(
            text=Text(
                "Under Advanced > Virtual memory, let Windows manage the size or set {size}. To open it:",
                size=gb(wanted),
            ),
            command="SystemPropertiesPerformance",
        )
    if facts.system.wsl:
        return Fix(
            text=Text("Set swap={size} in .wslconfig, then restart WSL:", size=f"{wanted >> 30}GB"),
            command="wsl --shutdown",
        )
    return Fix(
        text=Text("Add a swap file of {size}:", size=gb(wanted)),
        command=f"sudo fallocate -l {wanted >> 30}G /swapfile && sudo chmod 600 /swapfile"
        " && sudo mkswap /swapfile && sudo swapon /swapfile",
    )
