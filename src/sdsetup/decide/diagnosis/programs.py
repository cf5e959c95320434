"""Whose log it is: this web UI's, another program's, or too short to tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sdsetup.catalog.failures import FailureBook, Program
from sdsetup.decide.diagnosis.log import Log

_FRAME = re.compile(r'File "([^"\n]+)", line \d+')
# A frame of the web UI, of its environment, or of Python under it.
_OURS_IN_FRAMES = re.compile(
    r"(?:^|[\\/])(?:launch|webui|launch_utils)\.py$|[\\/](?:modules|extensions|extensions-builtin|repositories|venv|sd\.webui|webui)[\\/]"
    r"|stable-diffusion|[\\/]scripts[\\/]"
)
_PYTHONS_OWN = re.compile(r"^<|[\\/]lib[\\/]python[\d.]+[\\/]\w+(?:[\\/]\w+)*\.py$|[\\/]Lib[\\/]|^\w[\w\\/]*\.py$")


def _first(log: Log, programs: Sequence[Program]) -> Program | None:
    """The program that a log speaks of first."""
    found = [
        (log.matches(pattern)[0][0], program)
        for program in programs
        for pattern in program.patterns
        if log.matches(pattern)
    ]
    return min(found, key=lambda pair: pair[0], default=(0, None))[1]


def foreign_program(log: Log, book: FailureBook) -> Program | None:
    """The other program whose log this is, None for our web UI and for what is too short to tell."""
    plain = [program for program in book.programs if program.id.startswith("plain-")]
    banner = any(log.first(pattern) for pattern in book.banner)
    named = [program for program in book.programs if program not in plain and (program.fork or not banner)]
    if (surely := _first(log, named)) is not None:
        return surely
    if any(log.first(pattern) for pattern in book.ours):
        return None
    if (perhaps := _first(log, plain)) is not None:
        return perhaps
    frames = [match[1] for _, match in log.matches(_FRAME)]
    scripts = [frame for frame in frames if not _PYTHONS_OWN.search(frame)]
    if scripts and not any(_OURS_IN_FRAMES.search(frame) for frame in scripts):
        return next((program for program in book.programs if program.id == "plain-python"), None)
    return None
