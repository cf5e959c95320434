"""Which language the system speaks, as a locale's name such as "ru_RU"."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_ASKED = ("LC_ALL", "LC_MESSAGES", "LANG")  # POSIX' order
_NEUTRAL = ("", "C", "POSIX", "C.UTF-8", "C.utf8")


def system_language(env: Mapping[str, str] | None = None) -> str | None:
    """The language of Windows' own windows; elsewhere what the environment says, else macOS' preference."""
    if sys.platform == "win32":
        return _windows()
    env = os.environ if env is None else env
    said = next((env[name] for name in _ASKED if env.get(name)), "")
    if said not in _NEUTRAL or sys.platform != "darwin":
        return said or None
    return _macos(Path.home() / "Library" / "Preferences" / ".GlobalPreferences.plist")


def _windows() -> str | None:
    if sys.platform != "win32":
        return None
    import ctypes

    kernel = ctypes.WinDLL("kernel32")
    name = ctypes.create_unicode_buffer(85)  # LOCALE_NAME_MAX_LENGTH
    found = kernel.LCIDToLocaleName(kernel.GetUserDefaultUILanguage(), name, len(name), 0)
    return name.value if found else None


def _macos(preferences: Path) -> str | None:
    """The first of the preferred languages, read without starting `defaults`."""
    import plistlib

    try:
        preferred = plistlib.loads(preferences.read_bytes())["AppleLanguages"]
    except (OSError, KeyError, TypeError, plistlib.InvalidFileException):
        return None
    return str(preferred[0]) if isinstance(preferred, list) and preferred else None
