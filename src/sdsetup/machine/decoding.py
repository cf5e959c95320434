"""Bytes of other programs as text."""

from __future__ import annotations

import sys


def decode(data: bytes) -> str:
    """Text of a child program: UTF-8 where it is that, else the console's code page, never an exception."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        encoding = "oem" if sys.platform == "win32" else "latin-1"
        text = data.decode(encoding, errors="replace")
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n")
