"""Reads the program that a pickle is, without running it: the names it imports, and whether it ends properly.

Only literal names count as read. One that is put together while loading, and anything that Python's own
unpickler could take otherwise than this reader, makes the program unreadable: an honest pickle has neither.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import IO, Any

MOST_STEPS = 1_000_000  # an SDXL checkpoint has 110,000
_TEXTS = frozenset(
    ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
)
_BYTES = frozenset(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"))
_INTEGERS = frozenset(("INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2"))
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
_REGISTRY = frozenset(("EXT1", "EXT2", "EXT4"))
_LEAST_NESTED = 4  # bytes; a shorter pickle names nothing


class UnreadablePickleError(Exception):
    """A program that breaks off, or that would do other than it says. `program`: what was read before."""

    def __init__(self, program: PickleProgram) -> None:
        super().__init__("not readable as a pickle file")
        self.program = program


@dataclass(kw_only=True)
class PickleProgram:
    """`names`: (module, name) of every import; `result`: what it ends with, where that is a plain number or text;
    `inner`: texts and bytes in it, which may be pickles themselves."""

    names: set[tuple[str, str]] = field(default_factory=set)
    result: Any = None
    inner: list[bytes] = field(default_factory=list)


_MARK = object()


def read_program(stream: IO[bytes]) -> PickleProgram:
    """Read one pickle from where the stream stands to its end; the stream stands behind it then.

    Raises:
        UnreadableError: with what was read so far.
    """
    program = PickleProgram()
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for count, (opcode, argument, _position) in enumerate(pickletools.genops(stream)):
            if count > MOST_STEPS:
                raise UnreadablePickleError(program)
            if opcode.name == "STOP":
                program.result = stack[-1]
            _step(opcode, argument, stack, memo, program)
    except UnreadablePickleError:
        raise
    except Exception as error:  # whatever a hostile file makes the reader do, it is not readable
        raise UnreadablePickleError(program) from error
    return program


def _step(opcode: Any, argument: Any, stack: list[Any], memo: dict[int, Any], program: PickleProgram) -> None:
    name = opcode.name
    if name in _REGISTRY:
        raise UnreadablePickleError(program)  # a name that only the loading process knows
    if name in ("GLOBAL", "INST"):
        module, _, attribute = argument.partition(" ")
        program.names.add((module, attribute))
    if name == "STACK_GLOBAL":
        attribute, module = stack.pop(), stack.pop()
        if not (isinstance(module, str) and isinstance(attribute, str)):
            raise UnreadablePickleError(program)
        program.names.add((module, attribute))
        stack.append(None)
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in _PUTS:
        memo[int(argument)] = stack[-1]
    elif name in _GETS:
        stack.append(memo[int(argument)])
    elif name == "DUP":
        stack.append(stack[-1])
    elif name == "MARK":
        stack.append(_MARK)
    else:
        _move(opcode, stack)
        if name in _TEXTS or name in _BYTES:
            _keep(argument, program)
        if name in _TEXTS or name in _INTEGERS:
            stack[-1] = argument


def _move(opcode: Any, stack: list[Any]) -> None:
    """Take off the stack what an instruction takes, and put on as many as it puts there."""
    before = list(opcode.stack_before)
    if pickletools.markobject in before:
        while stack.pop() is not _MARK:
            pass
        before = before[: before.index(pickletools.markobject)]
    for _ in before:
        stack.pop()
    stack.extend(None for _ in opcode.stack_after)


def _keep(argument: Any, program: PickleProgram) -> None:
    if isinstance(argument, str):
        try:
            argument = argument.encode("latin-1")  # how pickles of protocol 2 keep bytes
        except UnicodeEncodeError:
            return
    if len(argument) >= _LEAST_NESTED:
        program.inner.append(bytes(argument))
