"""pickles.toml: which names in a pickle are harmless and which are dangerous, and the judge of the others."""

from __future__ import annotations

import _compat_pickle
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdsetup.catalog.reading import Reader

Danger = Literal["harmless", "unknown", "dangerous"]

_WORD = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, kw_only=True)
class PickleNames:
    """`harmless`: (module, name); `dangerous`: modules with all that lies below them, or a name in one."""

    harmless: frozenset[tuple[str, str]]
    dangerous: frozenset[str]

    def judge(self, module: str, name: str) -> Danger:
        """What a global of a pickle may do. No honest model needs more of Python's own library than is listed."""
        found = {self._judge_one(*pair) for pair in _meanings(module, name)}
        # Which of its meanings applies depends on the pickle's protocol, so the worst one counts.
        return next(danger for danger in ("dangerous", "unknown", "harmless") if danger in found)

    def _judge_one(self, module: str, name: str) -> Danger:
        if (module, name) in self.harmless:
            return "harmless"
        if not _WORD.fullmatch(module) or not _WORD.fullmatch(name):
            return "dangerous"
        if module.split(".")[0] in sys.stdlib_module_names or module == "__builtin__":
            return "dangerous"
        # "torch.serialization" and "os", or "x" and "os.system": a library's own imports are reached through it.
        parts = name.split(".")
        if any(part in sys.stdlib_module_names or part.startswith("__") for part in parts):
            return "dangerous"
        return "dangerous" if any(above in self.dangerous for above in _above(f"{module}.{name}")) else "unknown"


def parse_pickles(raw: Mapping[str, Any], path: str = "pickles.toml") -> PickleNames:
    """The typed profile.

    Raises:
        ProfileError: naming every problem in the file.
    """
    top = Reader(raw, path)
    harmless: set[tuple[str, str]] = set()
    dangerous: set[str] = set()
    for reader in top.tables("harmless"):
        module = reader.text("module")
        harmless |= {(module, name) for name in reader.texts("names")}
        _reasoned(reader)
    for reader in top.tables("dangerous"):
        dangerous |= set(reader.texts("modules"))
        _reasoned(reader)
    top.no_other_keys()
    top.finish()
    return PickleNames(harmless=frozenset(harmless), dangerous=frozenset(dangerous))


def _meanings(module: str, name: str) -> Iterator[tuple[str, str]]:
    """The name as it stands, or else what Python makes of it for pickles of Python 2 (protocols 0 to 2)."""
    now = _compat_pickle.NAME_MAPPING.get((module, name))
    if now is None and module in _compat_pickle.IMPORT_MAPPING:
        now = (_compat_pickle.IMPORT_MAPPING[module], name)
    # A module of Python 2 alone means nothing under its old name.
    if now is None or module in sys.stdlib_module_names:
        yield module, name
    if now is not None:
        yield now


def _above(dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _reasoned(reader: Reader) -> None:
    reader.text("because")
    reader.text("source")
    reader.no_other_keys()
