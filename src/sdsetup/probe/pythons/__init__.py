"""Interpreters that could build the web UI's environment: found where they are registered, then each one asked."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sdsetup.machine import Machine
from sdsetup.probe.asked import Asked
from sdsetup.probe.own_installation import is_program
from sdsetup.probe.pythons import windows
from sdsetup.probe.pythons.found import Found, base_of, unique
from sdsetup.probe.pythons.posix import find as find_posix
from sdsetup.probe.side_by_side import Job, side_by_side
from sdsetup.storage import data_folder
from sdsetup.values.facts import Python

_LIMIT = 5.0
_FIRST = re.compile(r"3\.?10(?!\d)")  # python3.10, Python310, cpython-3.10.13
_MOST = 16  # more interpreters than this on one machine tell nothing new

# Runs in every Python since 3.5, without reading the user's settings or site-packages: a third of a start.
QUESTION = (
    "import sys;"
    "from importlib.machinery import PathFinder as f;"
    "u=getattr(sys,'implementation',None);"
    "print('sdsetup',sys.version_info[0],sys.version_info[1],sys.version_info[2],"
    "64 if sys.maxsize>2**32 else 32,u.name,"
    "int(all(f.find_spec(m) for m in ('venv','ensurepip'))),"
    "int(getattr(sys,'_is_gil_enabled',lambda:True)()))"
)


class Said(NamedTuple):
    """What an interpreter says of itself."""

    version: tuple[int, int, int]
    bits: int
    implementation: str
    can_venv: bool


def ask(asked: Asked) -> dict[str, Any]:
    machine = asked.machine
    find = windows.find if machine.family == "windows" else find_posix
    running = machine.running_python()
    # The Python inside of the Windows program is not the user's: it goes where the program goes.
    ours = is_program(machine, Path(running.path).parent)
    named = [*find(machine), *([] if ours else [Found(path=running.path, origin=running.origin)])]
    candidates = unique(machine, named)[:_MOST]
    # Starting an interpreter is the dearest question of all: when one of the version that the web UI was
    # written for answers, the others are not disturbed.
    first = [found for found in candidates if _FIRST.search(found.path)]
    pythons, unknown = _verified(machine, first)
    if not any(python.version and python.version[:2] == (3, 10) and python.can_venv for python in pythons):
        others = [found for found in candidates if found not in first]
        more, unanswered = _verified(machine, [*brought(machine), *others])
        pythons, unknown = pythons + more, {**unknown, **unanswered}
    base = None if ours else base_of(machine, running.path)
    if base and not any(machine.resolve(python.path) == machine.resolve(base) for python in pythons):
        pythons.append(replace(running, path=base))  # it did not answer as a child, but it is running
    return {"pythons": tuple(pythons), "unknown": unknown}


def brought(machine: Machine) -> list[Found]:
    """Pythons that an earlier run put into our tools folder."""
    folder = data_folder(machine.env) / "tools" / "python"
    pattern = "cpython-3.10*/python.exe" if machine.family == "windows" else "cpython-3.10*/bin/python3.10"
    return unique(machine, [Found(path=str(path), origin="uv") for path in machine.glob(folder, pattern)])


def _verified(machine: Machine, candidates: list[Found]) -> tuple[list[Python], dict[str, str]]:
    answers = side_by_side(
        [Job(name=found.path, limit=_LIMIT + 1, ask=partial(verify, machine, found)) for found in candidates]
    )
    pythons = [python for found in candidates if (python := answers[found.path].value) is not None]
    return pythons, {f"pythons.{path}": answer.problem for path, answer in answers.items() if answer.problem}


def verify(machine: Machine, found: Found) -> Python | None:
    """Ask an interpreter about itself; None when there is nothing at this path any more (a stale entry)."""
    kind = machine.kind(found.path)
    if kind == "absent":
        return None
    ended = machine.run([found.path, "-I", "-S", "-c", QUESTION], timeout=_LIMIT)
    if ended.problem == "timeout":
        raise TimeoutError(f"did not answer within {_LIMIT:g} s")
    said = parse_answer(ended.out) if ended.ok else None
    alias = kind == "alias" or windows.in_apps_folder(found.path)
    python = Python(
        path=found.path,
        origin="store" if alias else found.origin,
        # The Store's stand-in answers nothing but "Python was not found"; with Python installed it answers.
        store_stub=alias and said is None,
        embeddable=windows.is_embeddable(machine, found.path),
    )
    if said is None:
        return python if alias else None
    return replace(
        python,
        version=said.version,
        bits=said.bits,
        implementation=said.implementation,
        can_venv=said.can_venv,
    )


def parse_answer(text: str) -> Said | None:
    """The one line of `QUESTION`, wherever start-up messages may have put it."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 8 and words[0] == "sdsetup" and all(_number(word) for word in (*words[1:5], *words[6:])):
            major, minor, micro, bits = (int(word) for word in words[1:5])
            names = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}
            name = names.get(words[5], words[5])
            # A free-threaded build has other wheels: torch has none for it.
            name = name if words[7] == "1" else f"{name} free-threaded"
            return Said(version=(major, minor, micro), bits=bits, implementation=name, can_venv=words[6] == "1")
    return None


def _number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 6
