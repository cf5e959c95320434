"""Windows: the build behind the names, the real processor, the settings that installations stumble over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdsetup.machine import Machine
from sdsetup.values.facts import System

_VERSION_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_FILE_SYSTEM_KEY = r"SYSTEM\CurrentControlSet\Control\FileSystem"
_FOLDER_ACCESS_KEY = r"SOFTWARE\Microsoft\Windows Defender\Windows Defender Exploit Guard\Controlled Folder Access"
# Machine numbers of the PE format: https://learn.microsoft.com/windows/win32/sysinfo/image-file-machine-constants
_MACHINES = {0x8664: "x86_64", 0xAA64: "arm64", 0x014C: "x86", 0x01C4: "arm"}
_NAMES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "arm64", "x86": "x86", "arm": "arm"}
# Before Windows 10 the name follows from the version: 6.1 is 7, 6.2 is 8, 6.3 is 8.1.
_OLD = {(6, 0): "Windows Vista", (6, 1): "Windows 7", (6, 2): "Windows 8", (6, 3): "Windows 8.1"}
_FIRST_ELEVEN = 22000


def ask(machine: Machine) -> System:
    told, kernel = machine.windows(), machine.kernel()
    values = machine.registry_values("HKLM", _VERSION_KEY) or {}
    build = told.version[2] if told.version else registry_build(values)
    native = _MACHINES.get(told.native_machine or 0) or _named(machine.env.get("PROCESSOR_ARCHITEW6432"))
    seen = _named(machine.env.get("PROCESSOR_ARCHITECTURE")) or _named(kernel.machine)
    real = native or seen
    return System(
        family="windows",
        name=name_of(told.version, build, server=told.server, values=values),
        version=".".join(map(str, told.version)) if told.version else (f"10.0.{build}" if build else None),
        build=build,
        edition=_text(values.get("EditionID")),
        bits={"x86": 32, "arm": 32}.get(real, 64) if real else kernel.bits,
        arch=seen,
        native_arch=real,
        admin=told.admin,
        long_paths=flag(machine, _FILE_SYSTEM_KEY, "LongPathsEnabled"),
        ansi_code_page=told.ansi_code_page,
        oem_code_page=told.oem_code_page,
        console_code_page=told.console_code_page,
        controlled_folders=flag(machine, _FOLDER_ACCESS_KEY, "EnableControlledFolderAccess"),
        # A 32-bit process cannot load the 64-bit library, so its failure would prove nothing.
        vc_runtime=machine.loads("msvcp140.dll") if kernel.bits == 64 else None,
        user_is_ascii=str(machine.home).isascii(),
        path_letters=len(machine.env.get("PATH", "")),
    )


def name_of(
    version: tuple[int, ...] | None, build: int | None, *, server: bool | None, values: Mapping[str, Any]
) -> str | None:
    """ "Windows 11 23H2". The registry's ProductName says "Windows 10" on both, so the build decides."""
    product = _text(values.get("ProductName"))
    if server or (product and "Server" in product):
        return product or "Windows Server"
    if version is not None and version[:2] in _OLD:
        return _OLD[version[0], version[1]]
    if build is None:
        return product
    if build < 10240:
        return product or "Windows"
    release = _text(values.get("DisplayVersion")) or _text(values.get("ReleaseId"))
    return " ".join(filter(None, ["Windows", "11" if build >= _FIRST_ELEVEN else "10", release]))


def registry_build(values: Mapping[str, Any]) -> int | None:
    text = _text(values.get("CurrentBuildNumber")) or _text(values.get("CurrentBuild")) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def flag(machine: Machine, key: str, name: str) -> bool | None:
    """A 0/1 value; absent means off, as Windows reads it."""
    value = (machine.registry_values("HKLM", key) or {}).get(name, 0)
    return value != 0 if isinstance(value, int) else None


def _named(name: str | None) -> str | None:
    return _NAMES.get(name.lower()) if name else None


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
