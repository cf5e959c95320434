"""Findings about parts of an installation, with the command that fixes them."""

from __future__ import annotations

from sdsetup.command import Command
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix, Status

SHOWN = 3  # names in one sentence


def faulty(
    facts: Facts, id: str, status: Status, title: Text, summary: Text, why: Text, fix: Text, *words: str
) -> Finding:
    """A finding with the command that fixes it: `sdsetup install` for this folder, unless `words` give another."""
    # What only a deep check finds, only a deep check fixes.
    deep = ("--deep",) if facts.parts is not None and facts.parts.deep and not words else ()
    said = (*(words or ("install",)), *deep, "--dir", place_of(facts))
    command = Command("sdsetup", *said, family=facts.system.family)
    return Finding(id=id, status=status, title=title, summary=summary, why=why, fix=Fix(text=fix, command=command))


def place_of(facts: Facts) -> str:
    return facts.folder.path if facts.folder else "."
