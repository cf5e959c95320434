"""Errors that a user can act on: what happened, where, why, one fix, a stable code.

Logic raises them; it never prints and never exits. Only the top of `cli` turns them into screens
and exit codes: 1 an expected failure, 2 usage, 3 our own bug, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import re

from sdsetup.text import Text

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DRIVE = (errno.EIO, errno.ENXIO, errno.ENODEV)
# The same in Windows' own numbers: ERROR_DISK_FULL and HANDLE_DISK_FULL; ERROR_CRC and ERROR_IO_DEVICE;
# ERROR_FILENAME_EXCED_RANGE.
_FULL_WINDOWS, _DRIVE_WINDOWS, _LONG_WINDOWS = (39, 112), (23, 1117), (206,)
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

EXIT_DONE = 0
EXIT_EXPECTED = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class SdsetupError(Exception):
    """Something the user can understand and repair.

    `message` what happened; `where` the file, folder, address or option it is about; `why` one
    cause; `hint` the one thing to do next (a command where possible; `None` states on purpose that
    there is none); `code` kebab-case and stable, for scripts and for searching.
    """

    exit_code = EXIT_EXPECTED
    announced = False  # a program that reads our JSON has been told already
    redo: tuple[str, ...] = ()  # finished steps that this error has shown to be unfinished

    def __init__(
        self,
        message: Text | str,
        *,
        code: str,
        hint: Text | str | None,
        where: object = None,
        why: Text | str | None = None,
    ) -> None:
        if not _CODE.fullmatch(code):
            raise ValueError(f"error code {code!r} is not kebab-case")
        super().__init__(str(message))
        self.message = _text(message)
        self.where = None if where is None else str(where)
        self.why = None if why is None else _text(why)
        self.hint = None if hint is None else hint if isinstance(hint, Text) else Text(hint)
        self.code = code


class DeclinedError(SdsetupError):
    """The user said no, or left at a question: nothing is wrong, and nothing was changed."""

    def __init__(self, exit_code: int = EXIT_EXPECTED) -> None:
        super().__init__("Nothing was changed", hint=None, code="declined")
        self.exit_code = exit_code


class UsageError(SdsetupError):
    """An option or argument that cannot be meant (exit code 2)."""

    exit_code = EXIT_USAGE


def file_problem(error: OSError, where: object = None, what: Text | None = None) -> SdsetupError:
    """What the operating system refused, in words: `what` could not be done at `where`.

    The path that the error itself names wins over `where`. The one place that knows what an errno means to a
    person; code that has nothing to add to it lets the OSError through to the top of `cli`.
    """
    number, windows = error.errno, getattr(error, "winerror", None)
    named = error.filename2 or error.filename
    path = os.fsdecode(named) if isinstance(named, (str, bytes)) else where
    if number in _FULL or windows in _FULL_WINDOWS:
        code, said = "disk-full", Text("The disk is full")
        hint = Text("Free up space on that drive, then run the same command again.")
    elif number in _DRIVE or windows in _DRIVE_WINDOWS:
        code, said = "drive-error", Text("The drive reports an error")
        hint = Text("Check the drive and its cable, then run the same command again.")
    elif number == errno.ENAMETOOLONG or windows in _LONG_WINDOWS:
        code, said = "path-too-long", Text("The path is too long")
        hint = Text("Choose a folder with a shorter path.")
    elif isinstance(error, PermissionError) or number == errno.EROFS:
        code, said = "folder-not-writable", Text("Access to a file or folder is denied")
        hint = Text("Close programs that use this folder (such as the web UI), then run the same command again.")
    else:
        code, said = "file-trouble", Text("A file operation failed")
        hint = Text("Run the same command again. Finished work is kept.")
    return SdsetupError(what or said, where=path, why=error.strerror or str(error), hint=hint, code=code)


def _text(value: Text | str) -> Text:
    # Words without a template are somebody else's: a value, which `show` makes harmless whole.
    return value if isinstance(value, Text) else Text("{said}", said=value)
