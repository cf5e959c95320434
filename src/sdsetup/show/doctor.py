"""The doctor's screen: one line per subject, details only where something is not well."""

from __future__ import annotations

from collections.abc import Sequence

from sdsetup.show.commands import typed
from sdsetup.show.screen import STYLES, Screen
from sdsetup.show.terminal import Part, folded
from sdsetup.show.words import say
from sdsetup.text import Text
from sdsetup.values.findings import Finding, Report

_WORDS = {"ok": "ok", "warn": "warn", "fail": "fail", "skip": "skip"}
_SUBJECTS = {
    "system": "the system",
    "gpus": "graphics cards",
    "pythons": "Python",
    "git": "Git",
    "disk": "the disk",
    "drives": "drives",
    "hosts": "the network",
    "port": "the port",
    "installation": "the installation",
}
_DETAIL = 9  # columns before "why" and "fix": below the title
_LABEL = 5  # "why  "
_WIDEST = 100  # longer lines are hard to follow on a wide screen


def show_report(
    report: Report, screen: Screen, *, shown: Report | None = None, next_command: str | None = None
) -> None:
    """Print findings (those of `shown`, if given), a count, and the next command.

    `--quiet` leaves out what is well.
    """
    width = min(screen.width, _WIDEST)
    drawn = [f for f in (shown or report).findings if not screen.quiet or f.status in ("warn", "fail")]
    title = max((len(say(finding.title)) for finding in report.findings), default=0)
    if shown is None and not screen.quiet:
        folder = report.facts.folder
        screen.heading(Text("This PC, and the folder {folder}", folder=folder.path) if folder else Text("This PC"))
        screen.line()
    for finding in drawn:
        screen.write([*_line(finding, screen, title=title, width=width), *_details(finding, width)])
    if drawn:
        screen.line()
    if screen.verbose:
        _draw_probes(report, screen)
    screen.line(count(report.findings), _verdict(report))
    if next_command is not None:
        screen.line(Text("Next: {command}", command=next_command), "hint")


def show_waiting(subjects: Sequence[str], screen: Screen) -> None:
    """What is still being asked, so that nobody believes it hangs."""
    names = ", ".join(_SUBJECTS.get(subject, subject) for subject in subjects)
    screen.line(Text("Still asking about: {names} ...", names=names), "quiet")


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


def _line(finding: Finding, screen: Screen, *, title: int, width: int) -> list[Part]:
    """Mark, word, title and summary; the summary is folded beside the title."""
    status = finding.status
    quiet = "dim" if status == "skip" else ""
    before = _DETAIL + title + 2
    summary = folded(say(finding.summary), width - before)
    parts: list[Part] = [
        (f" {screen.mark(status)} {_WORDS[status]:<5} ", STYLES[status]),
        (f"{say(finding.title):<{title}}  ", quiet or "bold"),
        (summary[0] + "\n", quiet),
    ]
    return parts + [(" " * before + line + "\n", quiet) for line in summary[1:]]


def _details(finding: Finding, width: int) -> list[Part]:
    """Why it matters, and the one cure with its command; nothing for what is well."""
    if finding.status not in ("warn", "fail"):
        return []
    parts: list[Part] = []
    if finding.why is not None:
        parts += _detail("why", say(finding.why), width)
    if finding.fix is not None:
        parts += _detail("fix", say(finding.fix.text), width)
        if finding.fix.command is not None:
            parts.append((" " * (_DETAIL + _LABEL) + typed(finding.fix.command) + "\n", STYLES["hint"]))
    return parts


def _detail(label: str, sentence: str, width: int) -> list[Part]:
    first, *rest = folded(sentence, width - _DETAIL - _LABEL)
    parts: list[Part] = [(" " * _DETAIL + f"{label:<{_LABEL}}", "dim"), (first + "\n", "")]
    return parts + [(" " * (_DETAIL + _LABEL) + line + "\n", "") for line in rest]


def _draw_probes(report: Report, screen: Screen) -> None:
    slowest = sorted(report.facts.probe_seconds.items(), key=lambda pair: -pair[1])
    asked = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in slowest)
    screen.line(Text("Asked: {asked}", asked=asked), "quiet")
    for name, reason in sorted(report.facts.unknown.items()):
        screen.line(Text("Unknown: {name}: {reason}", name=name, reason=reason), "quiet")


def _verdict(report: Report) -> str:
    statuses = {finding.status for finding in report.findings}
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"
