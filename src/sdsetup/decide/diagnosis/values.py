"""The values of a diagnosis: what is known beforehand, what is found, and what a whole log says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sdsetup.catalog.failures import Kind
from sdsetup.text import Text
from sdsetup.values.facts import Family, Vendor
from sdsetup.values.findings import Fix

# healthy: the log itself shows that it works. foreign: another program's log. unknown: nothing we know.
State = Literal["failed", "healthy", "foreign", "unknown"]


@dataclass(frozen=True, kw_only=True)
class LogOrigin:
    """What is known about where the log was made; the log's own facts come first. Unknown is None."""

    dir: str = "."
    python: str = "python"  # the environment's interpreter
    family: Family | None = None
    vendors: tuple[Vendor, ...] | None = None  # of all cards; empty: none


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """`evidence` is the line of the log that says so, `line` its number from 1."""

    id: str
    kind: Kind
    topic: str
    title: Text
    cause: Text
    fix: Fix
    evidence: str
    line: int
    sources: tuple[str, ...] = ()
    also: tuple[Text, ...] = ()  # titles of other failures in the same log
    takes_out: tuple[str, ...] = ()  # names of flags ("--port") and variables that the launch file must lose

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "topic": self.topic,
            "title": str(self.title),
            "cause": str(self.cause),
            "fix": {"text": str(self.fix.text), "command": self.fix.command},
            "act": self.fix.act,
            "evidence": self.evidence,
            "line": self.line,
        }


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a whole log says.

    `diagnosis` is set exactly when `state` is "failed". `notes` are worth knowing and never the cause; for
    every other state the first of them says what the state means. `last_words`: the lines to show a helper.
    """

    state: State
    diagnosis: Diagnosis | None = None
    notes: tuple[Diagnosis, ...] = ()
    last_words: tuple[str, ...] = ()
