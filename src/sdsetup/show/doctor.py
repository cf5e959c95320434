"""The doctor's screen: one line per subject, details only where something is not well."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.text import Text as Line

from sdsetup.decide.findings import Finding, Report
from sdsetup.show.screen import STYLES, Screen
from sdsetup.show.words import say
from sdsetup.text import Text

_WORDS = {"ok": "ok", "warn": "warn", "fail": "fail", "skip": "skip"}
_DETAIL = 9  # columns before "why" and "fix": below the title
_LABEL = 5  # "why  "
_WIDEST = 100  # longer lines are hard to follow on a wide screen


def show_report(report: Report, screen: Screen, *, next_command: str | None = None) -> None:
    """Print findings, a count, and the next command. `--quiet` leaves out what is well."""
    # Measured once and drawn in one go: folding each line by Rich costs more than all the rest.
    width = max(min(screen.console.width, _WIDEST), 40)
    shown = [f for f in report.findings if not screen.quiet or f.status in ("warn", "fail")]
    title = max((len(say(finding.title)) for finding in report.findings), default=0)
    page = Line()
    for finding in shown:
        _draw(page, finding, screen, title=title, width=width)
    if page:
        screen.console.print(page, soft_wrap=True)
    if screen.verbose:
        _draw_probes(report, screen)
    screen.line(count(report.findings), _verdict(report))
    if next_command is not None:
        screen.line(Text("Next: {command}", command=next_command), "hint")


def count(findings: Sequence[Finding]) -> Text:
    """ "1 problem, 2 warnings. Warnings do not stop anything." """
    fails = sum(finding.status == "fail" for finding in findings)
    warns = sum(finding.status == "warn" for finding in findings)
    problems = "1 problem" if fails == 1 else f"{fails} problems"
    warnings = "1 warning" if warns == 1 else f"{warns} warnings"
    if fails and warns:
        return Text("{problems} to solve first, {warnings}.", problems=problems, warnings=warnings)
    if fails:
        return Text("{problems} to solve first.", problems=problems)
    if warns:
        return Text("Nothing is in the way. {warnings}: it works, and could be better.", warnings=warnings)
    return Text("All is well.")


def _draw(page: Line, finding: Finding, screen: Screen, *, title: int, width: int) -> None:
    status = finding.status
    style = STYLES[status]
    page.append(f" {screen.mark(status)} {_WORDS[status]:<5} ", style)
    page.append(f"{say(finding.title):<{title}}  ", "dim" if status == "skip" else "bold")
    before = _DETAIL + title + 2
    summary = _folded(say(finding.summary), width - before)
    page.append(summary[0] + "\n", "dim" if status == "skip" else "")
    for line in summary[1:]:
        page.append(" " * before + line + "\n")
    if status in ("ok", "skip") or finding.cure is None:
        if finding.why is not None:
            _draw_detail(page, "why", say(finding.why), width)
        return
    if finding.why is not None:
        _draw_detail(page, "why", say(finding.why), width)
    _draw_detail(page, "fix", say(finding.cure.text), width)
    if finding.cure.command is not None:
        page.append(" " * (_DETAIL + _LABEL) + finding.cure.command + "\n", STYLES["hint"])


def _draw_detail(page: Line, label: str, sentence: str, width: int) -> None:
    lines = _folded(sentence, width - _DETAIL - _LABEL)
    page.append(" " * _DETAIL + f"{label:<{_LABEL}}", "dim")
    page.append(lines[0] + "\n")
    for line in lines[1:]:
        page.append(" " * (_DETAIL + _LABEL) + line + "\n")


def _draw_probes(report: Report, screen: Screen) -> None:
    slowest = sorted(report.facts.probe_seconds.items(), key=lambda pair: -pair[1])
    asked = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in slowest)
    screen.line(Text("Asked: {asked}", asked=asked), "quiet")
    for name, reason in sorted(report.facts.unknown.items()):
        screen.line(Text("Unknown: {name}: {reason}", name=name, reason=reason), "quiet")


def _verdict(report: Report) -> str:
    statuses = {finding.status for finding in report.findings}
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"


def _folded(sentence: str, width: int) -> list[str]:
    # A path is never cut: people copy it.
    return textwrap.wrap(sentence, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]
