"""Who owns a file on Windows, judged as Git for Windows does. Imported on Windows alone."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

_FILE_OBJECT = 1  # SE_FILE_OBJECT
_OWNER = 1  # OWNER_SECURITY_INFORMATION
_TOKEN_QUERY = 8
_TOKEN_USER = 1
_ADMINISTRATORS = 26  # WinBuiltinAdministratorsSid

if sys.platform == "win32":

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
