"""Numbers as people read them, and the finding of a subject nobody could ask."""

from __future__ import annotations

from sdsetup.text import Text, rounded
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding


def disk(count: int) -> Text:
    """Disks are sold in units of 10**9: "75 GB", "4.3 GB"."""
    value = count / 10**9
    return Text("{number} GB", number=rounded(value, 0 if value >= 20 else 1))


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
    """A skip, when the probe of a subject has no answer: with its reason, and no judgement."""
    reason = facts.unknown.get(subject)
    if reason is None:
        return None
    return Finding(
        id=id, status="skip", title=title, summary=Text("could not be found out: {reason}", reason=reason)
    )
