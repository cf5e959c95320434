"""Standard output and error that may be closed, full, narrow, or left by their reader."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from typing import Any, TextIO


class Lasting:
    """A stream whose loss does not end the work: `lost` keeps the first error, later text goes nowhere.

    An installation must not break off because somebody closed the window that it was piped into.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        if self.lost is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        if self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What is still buffered is written when Python ends, which would complain about it once more.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


# Letters that old code pages lack, with what is typed in their place.
_TYPED = {
    **dict.fromkeys("«»„“”", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("–—−", "-"),
    "×": "x",
    "…": "...",
    "→": "->",
    "\xa0": " ",
}
_NEAREST = "sdsetup-nearest"


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """For `codecs`: what a stream writes for letters that its encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_TYPED.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def open_closed_ones() -> None:
    """Open the standard streams that were closed by whoever started us (`>&-`).

    A file of ours would get their number otherwise, and every program we start would write into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            os.set_inheritable(number, True)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - a number, not a path; it stays open


def lasting() -> tuple[Lasting, Lasting]:
    """Put streams that outlive their readers in place of standard output and error.

    A cp1252 or cp866 pipe must not end the program either, at the first letter that it cannot take.
    """
    codecs.register_error(_NEAREST, _nearest)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_NEAREST)
    out, err = Lasting(sys.stdout), Lasting(sys.stderr)
    sys.stdout, sys.stderr = out, err
    return out, err
