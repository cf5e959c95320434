"""What a check says: one finding per subject, and the report they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sdsetup.text import Text
from sdsetup.values.facts import Facts

Status = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, kw_only=True)
class Fix:
    """One way out. `command` is for pasting; `act` names a cure that `doctor --fix` can carry out itself."""

    text: Text
    command: str | None = None
    act: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check says; whatever is not ok says why it matters, and one way out."""

    id: str  # "python", "git", "disk": stable, part of the JSON contract
    status: Status
    title: Text
    summary: Text
    why: Text | None = None
    fix: Fix | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The facts and everything that the checks say of them."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing blocks; warnings are allowed."""
        return all(finding.status != "fail" for finding in self.findings)
