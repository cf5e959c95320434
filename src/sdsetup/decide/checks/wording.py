"""Numbers as a shop prints them, and the findings that several checks make."""

from __future__ import annotations

from sdsetup.command import Command
from sdsetup.text import Text, rounded
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix, Status


def disk(count: int) -> Text:
    """Disks are sold in units of 10**9: "75.2 GB", "4.27 GB", with as many digits as in a plan."""
    value = count / 10**9
    return Text("{number} GB", number=rounded(value, 0 if value >= 100 else 1 if value >= 10 else 2))


def memory(count: int) -> Text:
    """Memory is sold in units of 2**30: "8 GB". What is a little below a whole number is called that number."""
    value = count / 2**30
    whole = round(value)
    if whole >= 1 and abs(value - whole) <= 0.045 * whole:
        return Text("{number} GB", number=whole)
    if value >= 1:
        return Text("{number} GB", number=rounded(value, 1))
    return Text("{number} MB", number=rounded(count / 2**20, 0))


def unanswered(facts: Facts, subject: str, id: str, title: Text) -> Finding | None:
    """A skipped check with the reason, when nothing is known about its subject."""
    reason = facts.unknown.get(subject)
    if reason is None:
        return None
    return Finding(id=id, status="skip", title=title, summary=Text("couldn't be checked: {reason}", reason=reason))


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
