"""What each program takes of the graphics cards, from Windows' own counters (those of the Task Manager).

Windows 10 1709 and later count it for every maker's card, also where the card's driver cannot tell:
https://devblogs.microsoft.com/directx/gpus-in-the-task-manager/
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterable, Mapping

DEDICATED = r"\GPU Process Memory(*)\Dedicated Usage"
SHARED = r"\GPU Process Memory(*)\Shared Usage"
_INSTANCE = re.compile(r"pid_(\d+)_luid_", re.IGNORECASE)


def by_program(instances: Iterable[tuple[str, int]]) -> Mapping[int, int]:
    """Bytes of each process, its parts on all cards together, from the counter's instances:
    `pid_1234_luid_0x00000000_0x0000C2D6_phys_0`."""
    found: dict[int, int] = {}
    for name, value in instances:
        if match := _INSTANCE.match(name):
            pid = int(match[1])
            found[pid] = found.get(pid, 0) + max(0, value)
    return found


if sys.platform == "win32":
    from ctypes import wintypes

    _LARGE = 0x400  # PDH_FMT_LARGE
    _MORE_DATA = 0x800007D2  # PDH_MORE_DATA
    _VALID = (0, 1)  # PDH_CSTATUS_VALID_DATA, PDH_CSTATUS_NEW_DATA

    class _Value(ctypes.Structure):
        _fields_ = (("status", wintypes.DWORD), ("large", ctypes.c_longlong))

    class _Item(ctypes.Structure):
        _fields_ = (("name", wintypes.LPWSTR), ("value", _Value))

    def usage(counter: str) -> Mapping[int, int] | None:
        """Process id -> bytes by one of the counters above; None where this Windows does not count."""
        try:
            pdh = ctypes.WinDLL("pdh")
            # By their English names: the others differ from country to country.
            add = pdh.PdhAddEnglishCounterW
        except (OSError, AttributeError):
            return None
        query, handle = ctypes.c_void_p(), ctypes.c_void_p()
        if pdh.PdhOpenQueryW(None, None, ctypes.byref(query)) != 0:
            return None
        try:
            if add(query, ctypes.c_wchar_p(counter), None, ctypes.byref(handle)) != 0:
                return None
            if pdh.PdhCollectQueryData(query) != 0:
                return None
            return by_program(_instances(pdh, handle))
        finally:
            pdh.PdhCloseQuery(query)

    def _instances(pdh: ctypes.WinDLL, handle: ctypes.c_void_p) -> list[tuple[str, int]]:
        size, count = wintypes.DWORD(0), wintypes.DWORD(0)
        ask = pdh.PdhGetFormattedCounterArrayW
        code = ask(handle, _LARGE, ctypes.byref(size), ctypes.byref(count), None)
        if code & 0xFFFFFFFF != _MORE_DATA or not size.value:
            return []
        buffer = ctypes.create_string_buffer(size.value)
        if ask(handle, _LARGE, ctypes.byref(size), ctypes.byref(count), buffer) != 0:
            return []
        items = ctypes.cast(buffer, ctypes.POINTER(_Item))
        return [
            (items[n].name, items[n].value.large) for n in range(count.value) if items[n].value.status in _VALID
        ]
