"""What only Windows' own functions can say. Imported on Windows alone; every answer may be None."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdsetup.machine.answers import DriveKind, MemoryStatus, Volume, Windows
from sdsetup.values.facts import Drive

if sys.platform == "win32":
    import winreg
    from ctypes import wintypes

    _KINDS: dict[int, DriveKind] = {2: "removable", 3: "fixed", 4: "network"}
    _FOLDERS = {
        "desktop": "{B4BFCC3A-DB2C-424C-B029-7FE99A87C641}",
        "documents": "{FDD39AD0-238F-46AF-ADB4-6C85480369C7}",
    }
    _DISPLAY_CLASS = "{4d36e968-e325-11ce-bfc1-08002be10318}"
    _PRESENT_OF_CLASS = 0x300  # CM_GETIDLIST_FILTER_PRESENT | CM_GETIDLIST_FILTER_CLASS
    _RELATION_CORE = 0
    _NO_ERROR_BOXES = 0x8003  # a DLL or a drive that fails must not open a window

    # The owner of a file is judged as Git for Windows does.
    _FILE_OBJECT = 1  # SE_FILE_OBJECT
    _OWNER = 1  # OWNER_SECURITY_INFORMATION
    _TOKEN_QUERY = 8
    _TOKEN_USER = 1
    _ADMINISTRATORS = 26  # WinBuiltinAdministratorsSid

    class _Version(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("major", wintypes.DWORD),
            ("minor", wintypes.DWORD),
            ("build", wintypes.DWORD),
            ("platform", wintypes.DWORD),
            ("service_pack", wintypes.WCHAR * 128),
            ("service_pack_major", wintypes.WORD),
            ("service_pack_minor", wintypes.WORD),
            ("suite", wintypes.WORD),
            ("product_type", ctypes.c_byte),
            ("reserved", ctypes.c_byte),
        )

    class _Memory(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("load", wintypes.DWORD),
            ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("commit_limit", ctypes.c_uint64),
            ("commit_available", ctypes.c_uint64),
            ("virtual", ctypes.c_uint64),
            ("virtual_available", ctypes.c_uint64),
            ("extended", ctypes.c_uint64),
        )

    def _kernel() -> Any:
        return ctypes.WinDLL("kernel32", use_last_error=True)

    def answers() -> Windows:
        kernel = _kernel()
        version, server = _version()
        console = kernel.GetConsoleOutputCP()
        return Windows(
            version=version,
            server=server,
            native_machine=_native_machine(kernel),
            ansi_code_page=kernel.GetACP() or None,
            oem_code_page=kernel.GetOEMCP() or None,
            console_code_page=console or None,  # 0: no console, a pipe or a service
            admin=_admin(),
            known_folders=_known_folders(),
            display_devices=_display_devices(),
        )

    def console_processes() -> int:
        """How many programs are in this console, 0 without one."""
        numbers = (wintypes.DWORD * 8)()
        return int(_kernel().GetConsoleProcessList(numbers, len(numbers)))

    def _version() -> tuple[tuple[int, int, int] | None, bool | None]:
        # Asked of ntdll: other functions tell a program without a manifest that this is Windows 8.
        asked = _Version(size=ctypes.sizeof(_Version))
        if ctypes.WinDLL("ntdll").RtlGetVersion(ctypes.byref(asked)) != 0:
            return None, None
        return (asked.major, asked.minor, asked.build), asked.product_type not in (0, 1)

    def _native_machine(kernel: Any) -> int | None:
        process, native = wintypes.USHORT(), wintypes.USHORT()
        try:
            ask = kernel.IsWow64Process2  # Windows 10 1511 and later
        except AttributeError:
            return None
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        ask.argtypes = (wintypes.HANDLE, ctypes.POINTER(wintypes.USHORT), ctypes.POINTER(wintypes.USHORT))
        done = ask(kernel.GetCurrentProcess(), ctypes.byref(process), ctypes.byref(native))
        return int(native.value) if done else None

    def _admin() -> bool | None:
        try:
            return bool(ctypes.WinDLL("shell32").IsUserAnAdmin())
        except (OSError, AttributeError):
            return None

    def _known_folders() -> dict[str, str]:
        found: dict[str, str] = {}
        try:
            shell, ole = ctypes.WinDLL("shell32"), ctypes.WinDLL("ole32")
            for name, text in _FOLDERS.items():
                guid = (ctypes.c_byte * 16)()
                place = ctypes.c_wchar_p()
                if ole.CLSIDFromString(ctypes.c_wchar_p(text), ctypes.byref(guid)) != 0:
                    continue
                if shell.SHGetKnownFolderPath(ctypes.byref(guid), 0, None, ctypes.byref(place)) == 0:
                    found[name] = place.value or ""
                ole.CoTaskMemFree(place)
        except (OSError, AttributeError):
            pass
        return {name: path for name, path in found.items() if path}

    def _display_devices() -> tuple[str, ...] | None:
        """PnP ids of the display class, those present only: the registry also keeps removed cards."""
        try:
            manager = ctypes.WinDLL("cfgmgr32")
            size = wintypes.ULONG()
            if manager.CM_Get_Device_ID_List_SizeW(ctypes.byref(size), _DISPLAY_CLASS, _PRESENT_OF_CLASS) != 0:
                return None
            names = ctypes.create_unicode_buffer(size.value)
            if manager.CM_Get_Device_ID_ListW(_DISPLAY_CLASS, names, size, _PRESENT_OF_CLASS) != 0:
                return None
        except (OSError, AttributeError):
            return None
        return tuple(name for name in names[: size.value].split("\0") if name) or None

    def registry_values(hive: str, key: str, view: int) -> Mapping[str, Any] | None:
        try:
            with _open_key(hive, key, view) as opened:
                count = winreg.QueryInfoKey(opened)[1]
                values = (winreg.EnumValue(opened, n) for n in range(count))
                return {name: value for name, value, _kind in values}
        except OSError:
            return None

    def registry_subkeys(hive: str, key: str, view: int) -> tuple[str, ...]:
        try:
            with _open_key(hive, key, view) as opened:
                return tuple(winreg.EnumKey(opened, n) for n in range(winreg.QueryInfoKey(opened)[0]))
        except OSError:
            return ()

    def _open_key(hive: str, key: str, view: int) -> winreg.HKEYType:
        roots = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER}
        wow = winreg.KEY_WOW64_64KEY if view == 64 else winreg.KEY_WOW64_32KEY
        return winreg.OpenKey(roots[hive], key, 0, winreg.KEY_READ | wow)

    def memory() -> MemoryStatus | None:
        asked = _Memory(size=ctypes.sizeof(_Memory))
        if not _kernel().GlobalMemoryStatusEx(ctypes.byref(asked)):
            return None
        return MemoryStatus(
            total=asked.total,
            available=asked.available,
            commit_limit=asked.commit_limit,
            commit_available=asked.commit_available,
        )

    def physical_cores() -> int | None:
        ask = _kernel().GetLogicalProcessorInformationEx
        needed = wintypes.DWORD(0)
        ask(_RELATION_CORE, None, ctypes.byref(needed))
        buffer = ctypes.create_string_buffer(needed.value)
        if not needed.value or not ask(_RELATION_CORE, buffer, ctypes.byref(needed)):
            return None
        at, count = 0, 0
        while at + 8 <= needed.value:  # each record: relation, its own size, then what we do not need
            size = int.from_bytes(buffer.raw[at + 4 : at + 8], "little")
            if size < 8:
                break
            at, count = at + size, count + 1
        return count or None

    def volume(path: str | Path) -> Volume | None:
        kernel = _kernel()
        root = ctypes.create_unicode_buffer(1024)
        if not kernel.GetVolumePathNameW(str(path), root, len(root)):
            return None
        free, total = ctypes.c_uint64(), ctypes.c_uint64()
        counted = kernel.GetDiskFreeSpaceExW(str(path), ctypes.byref(free), ctypes.byref(total), None)
        return Volume(
            free_bytes=free.value if counted else None,
            total_bytes=total.value if counted else None,
            filesystem=_filesystem(kernel, root.value),
            kind=_KINDS.get(kernel.GetDriveTypeW(root.value), "other"),
        )

    def _filesystem(kernel: Any, root: str) -> str | None:
        name = ctypes.create_unicode_buffer(64)
        told = kernel.GetVolumeInformationW(root, None, 0, None, None, None, name, len(name))
        return name.value or None if told else None

    def drives() -> tuple[Drive, ...]:
        kernel = _kernel()
        kernel.SetErrorMode(kernel.SetErrorMode(0) | _NO_ERROR_BOXES)  # an empty card reader asks for a disk
        present = kernel.GetLogicalDrives()
        found = []
        for bit in range(26):
            root = f"{chr(ord('A') + bit)}:\\"
            # A sleeping network drive can hold a thread for half a minute: only its kind is asked.
            if not present >> bit & 1:
                continue
            kind = _KINDS.get(kernel.GetDriveTypeW(root), "other")
            told = volume(root) if kind == "fixed" else None
            found.append(
                Drive(
                    root=root,
                    kind=kind,
                    free_bytes=told.free_bytes if told else None,
                    filesystem=told.filesystem if told else None,
                )
            )
        return tuple(found)

    def loads(library: str) -> bool:
        kernel = _kernel()
        kernel.SetErrorMode(kernel.SetErrorMode(0) | _NO_ERROR_BOXES)
        # python.exe's own folder holds some of Microsoft's libraries: only System32 counts.
        for folder in ("Sysnative", "System32"):
            place = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), folder, library)
            if place.exists():
                try:
                    ctypes.WinDLL(str(place))
                except OSError:
                    return False
                return True
        return False

    def foreign_owner(path: str | Path) -> bool | None:
        """Whether neither this account nor the administrators it is one of own a path; None where not known.

        A drive without owners (FAT32, exFAT) gives everything to "Everyone", which git does not accept either.
        """
        advapi, kernel = ctypes.WinDLL("advapi32"), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
        failed = advapi.GetNamedSecurityInfoW(
            str(path), _FILE_OBJECT, _OWNER, ctypes.byref(owner), None, None, None, ctypes.byref(descriptor)
        )
        if failed or not owner:
            return None
        try:
            mine = _own_sid(advapi, kernel)
            if mine is None:
                return None
            if advapi.EqualSid(owner, mine[0]):
                return False
            member = ctypes.c_int(0)
            if advapi.IsWellKnownSid(owner, _ADMINISTRATORS):
                advapi.CheckTokenMembership(None, owner, ctypes.byref(member))
            return not member.value
        finally:
            kernel.LocalFree(descriptor)

    def _own_sid(advapi: Any, kernel: Any) -> tuple[ctypes.c_void_p, Any] | None:
        """The account's SID, and the buffer that it lies in."""
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.CloseHandle.argtypes = [ctypes.c_void_p]
        advapi.OpenProcessToken.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]
        advapi.GetTokenInformation.argtypes = [
            ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p,
        ]  # fmt: skip
        token, size = ctypes.c_void_p(), ctypes.c_uint32()
        if not advapi.OpenProcessToken(kernel.GetCurrentProcess(), _TOKEN_QUERY, ctypes.byref(token)):
            return None
        try:
            buffer = ctypes.create_string_buffer(256)  # TOKEN_USER: a pointer to the SID that follows it
            if not advapi.GetTokenInformation(token, _TOKEN_USER, buffer, len(buffer), ctypes.byref(size)):
                return None
            return ctypes.c_void_p.from_buffer(buffer), buffer
        finally:
            kernel.CloseHandle(token)
