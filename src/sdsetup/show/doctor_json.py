"""The versioned document of `doctor --json`. It draws nothing, so Rich is not loaded for it."""

from __future__ import annotations

from typing import Any

from sdsetup.values.facts_json import machine_json
from sdsetup.values.findings import Finding, Report

SCHEMA = "sdsetup.doctor/1"


def report_json(report: Report) -> dict[str, Any]:
    """What was found and what it means; unknown is null, sizes are bytes."""
    return {
        "schema": SCHEMA,
        "ok": report.ok,
        "machine": machine_json(report.facts),
        "checks": [finding_json(finding) for finding in report.findings],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    fix = finding.fix
    return {
        "id": finding.id,
        "status": finding.status,
        "title": str(finding.title),
        "summary": str(finding.summary),
        "why": None if finding.why is None else str(finding.why),
        "fix": None if fix is None else {"text": str(fix.text), "command": fix.command},
    }
