"""Errors that a person can act on: what happened, where, why, one fix, a stable code.

Logic raises them; it never prints and never exits. Only the top of `cli` turns them into screens
and exit codes: 1 an expected failure, 2 usage, 3 our own bug, 130 interrupted.
"""

from __future__ import annotations

import re

from sdsetup.text import Text

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

EXIT_DONE = 0
EXIT_EXPECTED = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class SdsetupError(Exception):
    """Something the person can understand and mend.

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
    """The person said no, or left at a question: nothing is wrong, and nothing was changed."""

    def __init__(self, exit_code: int = EXIT_EXPECTED) -> None:
        super().__init__("Nothing was changed", hint=None, code="declined")
        self.exit_code = exit_code


class UsageError(SdsetupError):
    """An option or argument that cannot be meant (exit code 2)."""

    exit_code = EXIT_USAGE


def _text(value: Text | str) -> Text:
    # Words without a template are somebody else's: a value, which `show` makes harmless whole.
    return value if isinstance(value, Text) else Text("{said}", said=value)
