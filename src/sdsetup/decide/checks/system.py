"""Checks of the system itself: version, CPU, libraries, path settings."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Listed, Text, message
from sdsetup.values.facts import Facts, System
from sdsetup.values.findings import Finding, Fix
from sdsetup.values.versions import at_least

_OS = Text("System")
_CPU = Text("CPU")
_LIBRARIES = Text("Libraries")
_LONG = Text("Long paths")
_LONG_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem"


def os(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "system", "os", _OS):
        return found
    system = facts.system
    name = system.name or {"windows": "Windows", "linux": "Linux", "macos": "macOS"}[system.family]
    arch = message("64-bit") if system.bits == 64 else message("32-bit") if system.bits == 32 else None
    said = Listed(part for part in (name, arch, "ARM" if system.native_arch == "arm64" else None) if part)
    refused = _refused(system, need)
    if refused is not None:
        why, fix = refused
        return Finding(id="os", status="fail", title=_OS, summary=Text("{said}", said=said), why=why, fix=fix)
    warned = _warned(system)
    if warned is not None:
        why, fix = warned
        return Finding(id="os", status="warn", title=_OS, summary=Text("{said}", said=said), why=why, fix=fix)
    return Finding(id="os", status="ok", title=_OS, summary=Text("{said}", said=said))


def cpu(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "cpu", "cpu", _CPU):
        return found
    cpu = facts.cpu
    cores = cpu.physical or cpu.logical
    if cores is None:
        return Finding(id="cpu", status="skip", title=_CPU, summary=Text("number of cores unknown"))
    said = Text.plural(
        "{name}, {count} core", "{name}, {count} cores", name=cpu.name or message("unknown model"), count=cores
    )
    if cores >= need.limits.cores_least or (cpu.logical or 0) >= need.limits.cores_least:
        return Finding(id="cpu", status="ok", title=_CPU, summary=said)
    return Finding(
        id="cpu",
        status="warn",
        title=_CPU,
        summary=said,
        why=Text(need.limits.cores_because),
        fix=Fix(text=Text("Close other programs while the web UI starts.")),
    )


def libraries(facts: Facts, need: Requirements) -> Finding:
    """Shared libraries that PyTorch and the web UI need but don't include."""
    if found := unanswered(facts, "system", "libraries", _LIBRARIES):
        return found
    system = facts.system
    if system.family == "windows":
        return _vc_runtime(system, need)
    if system.family != "linux":
        return Finding(id="libraries", status="skip", title=_LIBRARIES, summary=Text("not needed on macOS"))
    commands = need.commands_for(facts)
    if system.missing_libraries:
        return Finding(
            id="libraries",
            status="fail",
            title=_LIBRARIES,
            summary=Text("missing: {names}", names=", ".join(system.missing_libraries)),
            why=Text("The web UI needs these libraries and stops with an error without them."),
            fix=Fix(text=Text("Install them:"), command=commands.libraries)
            if commands.libraries
            else Fix(text=Text("Install them with your distribution's package manager.")),
        )
    if system.tcmalloc is False and commands.tcmalloc:
        return Finding(
            id="libraries",
            status="ok",
            title=_LIBRARIES,
            summary=Text("installed (optional: `{command}` saves some memory)", command=commands.tcmalloc),
        )
    return Finding(id="libraries", status="ok", title=_LIBRARIES, summary=Text("installed"))


def long_paths(facts: Facts, need: Requirements) -> Finding:
    """Windows' limit of 260 characters, and the length of PATH."""
    system = facts.system
    if system.family != "windows":
        summary = Text("not needed on macOS") if system.family == "macos" else Text("not needed on Linux")
        return Finding(id="long-paths", status="skip", title=_LONG, summary=summary)
    if found := unanswered(facts, "system", "long-paths", _LONG):
        return found
    if system.path_letters is not None and system.path_letters > need.limits.path_longest:
        return Finding(
            id="long-paths",
            status="warn",
            title=_LONG,
            summary=Text("PATH has {count} characters", count=system.path_letters),
            why=Text(need.limits.path_because),
            fix=Fix(
                text=Text("Remove entries you no longer need (don't use setx: it shortens PATH):"),
                command="rundll32 sysdm.cpl,EditEnvironmentVariables",
            ),
        )
    if system.long_paths:
        return Finding(id="long-paths", status="ok", title=_LONG, summary=Text("allowed"))
    length = len(facts.folder.path) if facts.folder else 0
    said = Text("limit of 260 characters")
    if length <= need.limits.folder_comfortable:
        return Finding(
            id="long-paths",
            status="ok",
            title=_LONG,
            summary=Text("limit of 260 characters (this folder's path is short enough)"),
        )
    return Finding(
        id="long-paths",
        status="warn",
        title=_LONG,
        summary=said,
        why=Text("The folder's path has {count} characters, and the Python environment adds 150.", count=length),
        fix=Fix(
            text=Text("Choose a shorter path, or allow long paths (as administrator, then sign in again):"),
            command=rf"reg add {_LONG_KEY} /v LongPathsEnabled /t REG_DWORD /d 1 /f",
        ),
    )


def _refused(system: System, need: Requirements) -> tuple[Text, Fix] | None:
    limits = need.limits
    if system.bits == 32:
        return (
            Text("PyTorch requires a 64-bit system."),
            Fix(text=Text("Install the 64-bit edition of your system if the CPU supports it.")),
        )
    if system.family == "windows":
        if system.build is not None and system.build < limits.windows_least_build:
            return (
                Text(limits.windows_because),
                Fix(text=Text("Upgrade to Windows 10 or 11.")),
            )
        if system.native_arch == "arm64":
            return (
                Text("This PC has an ARM CPU, and the PyTorch that the web UI needs isn't available for it."),
                Fix(text=Text("Use a PC with an Intel or AMD CPU.")),
            )
    if system.family == "linux" and system.libc is not None and not _new_enough(system.libc, limits.glibc_least):
        return (
            Text(limits.glibc_because),
            Fix(text=Text("Upgrade your Linux distribution.")),
        )
    if system.family == "macos" and system.version and not at_least(system.version, limits.macos_least):
        return (
            Text(limits.macos_because),
            Fix(text=Text("Update macOS:"), command="softwareupdate --list"),
        )
    return None


def _new_enough(libc: str, least: str) -> bool:
    name, _, version = libc.partition(" ")
    return name != "glibc" or at_least(version, least.removeprefix("glibc "))


def _warned(system: System) -> tuple[Text, Fix] | None:
    if system.family == "linux" and system.libc is None and system.name is not None:
        return (
            Text("This system doesn't seem to use glibc, and PyTorch requires it."),
            Fix(text=Text("If the installation fails, use a distribution or a container with glibc.")),
        )
    if system.rosetta:
        return (
            Text("This Python is for Intel Macs and runs in Rosetta, so PyTorch can't use the GPU."),
            Fix(text=Text("Install Python for Apple silicon:"), command="brew install python@3.10"),
        )
    if system.family == "windows" and system.admin:
        return (
            Text("This window runs as administrator, so the web UI may not be able to change its files later."),
            Fix(text=Text("Close the window and start sdsetup normally. Administrator rights aren't needed.")),
        )
    if system.root and not system.wsl:
        return (
            Text("You are root, and the web UI's start script doesn't run as root."),
            Fix(
                text=Text("Install as a regular user. In a container, start the web UI with:"),
                command="./webui.sh -f",
            ),
        )
    return None


def _vc_runtime(system: System, need: Requirements) -> Finding:
    if system.vc_runtime is None:
        return Finding(
            id="libraries",
            status="skip",
            title=_LIBRARIES,
            summary=Text("Microsoft Visual C++ runtime: couldn't be checked"),
        )
    if system.vc_runtime:
        return Finding(
            id="libraries", status="ok", title=_LIBRARIES, summary=Text("Microsoft Visual C++ runtime installed")
        )
    return Finding(
        id="libraries",
        status="fail",
        title=_LIBRARIES,
        summary=Text("Microsoft Visual C++ runtime missing (msvcp140.dll)"),
        why=Text(need.limits.libraries_because),
        fix=Fix(
            text=Text("Download the installer from Microsoft and run it:"),
            command=f"start {need.limits.vc_runtime}",
        ),
    )
