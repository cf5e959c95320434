"""Linux: the distribution, its C library, what the web UI's libraries need, and whether this is WSL."""

from __future__ import annotations

import re

from sdsetup.machine import Machine
from sdsetup.values.facts import System

# What the web UI's opencv links to: without them the first start ends in an ImportError.
_NEEDED = ("libGL.so.1", "libgthread-2.0.so.0")
# In the order in which webui.sh looks for it.
_TCMALLOC = re.compile(r"libtcmalloc(_minimal|)\.so\.\d")


def ask(machine: Machine) -> System:
    kernel = machine.kernel()
    release = parse_os_release(
        machine.read_text("/etc/os-release") or machine.read_text("/usr/lib/os-release") or ""
    )
    wsl = is_wsl(machine)
    libraries = _libraries(machine)
    name = release.get("PRETTY_NAME") or release.get("NAME")
    return System(
        family="linux",
        name=f"{name} (WSL)" if name and wsl else name,
        version=release.get("VERSION_ID"),
        bits={"i686": 32, "i386": 32, "armv7l": 32}.get(kernel.machine or "", 64)
        if kernel.machine
        else kernel.bits,
        arch=kernel.machine,
        native_arch=kernel.machine,
        wsl=wsl,
        libc=kernel.libc,
        distribution=release.get("ID"),
        like=tuple(release.get("ID_LIKE", "").split()),
        missing_libraries=tuple(name for name in _NEEDED if not _present(machine, name, libraries)),
        tcmalloc=None if libraries is None else any(_TCMALLOC.match(found) for found in libraries),
        groups=kernel.groups,
        root=kernel.superuser,
        nouveau=machine.exists("/sys/module/nouveau"),
        user_is_ascii=str(machine.home).isascii(),
    )


def is_wsl(machine: Machine) -> bool:
    """Microsoft's kernel, of the first or the second kind."""
    text = machine.read_text("/proc/sys/kernel/osrelease", 1000) or ""
    return "microsoft" in text.lower() or machine.exists("/proc/sys/fs/binfmt_misc/WSLInterop")


def parse_os_release(text: str) -> dict[str, str]:
    """os-release: shell assignments, values perhaps quoted. Lines that are neither are left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            continue
        quote = value[:1]
        value = value.removesuffix(quote)[1:] if quote in ('"', "'") else value
        if value:
            found[name] = re.sub(r"\\([\"'$`\\])", r"\1", value)
    return found


def parse_ldconfig(text: str) -> frozenset[str]:
    """Names of 64-bit libraries from `ldconfig -p`: "\\tlibGL.so.1 (libc6,x86-64) => /lib/..."."""
    return frozenset(re.findall(r"^\s+(\S+) \(libc6,(?:x86-64|AArch64)[^)]*\) =>", text, re.MULTILINE))


def _libraries(machine: Machine) -> frozenset[str] | None:
    for program in ("/sbin/ldconfig", "ldconfig"):  # not on every person's PATH
        ended = machine.run([program, "-p"], timeout=3)
        if ended.ok and (found := parse_ldconfig(ended.out)):
            return found
    return None


def _present(machine: Machine, name: str, libraries: frozenset[str] | None) -> bool:
    # Where the linker keeps no such list (Alpine, NixOS) only loading tells.
    return (libraries is not None and name in libraries) or machine.loads(name)
