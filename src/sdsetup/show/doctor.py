"""The doctor's screen: what is not OK, with its fix, on one screen; every check with `-v`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.show.commands import typed
from sdsetup.show.screen import STYLES, Screen, apart, sentence
from sdsetup.show.terminal import Part, folded
from sdsetup.show.words import commands_in, say
from sdsetup.text import Listed, Text, message
from sdsetup.values.facts_json import machine_json
from sdsetup.values.findings import Finding, Report, Status

_WORDS: dict[Status, Text] = {
    "ok": Text("OK"),
    "warn": Text("Warning"),
    "fail": Text("Problem"),
    "skip": Text("Skipped"),
}
_SUBJECTS = {
    "system": Text("the system"),
    "gpus": Text("graphics cards"),
    "pythons": Text("Python"),
    "git": Text("Git"),
    "disk": Text("the disk"),
    "drives": Text("drives"),
    "hosts": Text("the network"),
    "port": Text("the port"),
    "installation": Text("the installation"),
}
_INDENT = 3  # columns before a title, and before "why" and "fix" below it


@dataclass(frozen=True)
class _Detail:
    """How much is said of each warning; problems are always told in full."""

    why: bool = True
    fix: bool = True


_DETAILS = (_Detail(), _Detail(why=False), _Detail(why=False, fix=False))


def show_report(
    report: Report,
    screen: Screen,
    *,
    shown: Report | None = None,
    next_command: str | None = None,
    described: Path | None = None,
) -> None:
    """What is not OK, with its fix, in as much detail as the window has lines; `-v` lists every check.

    `shown`: these findings only; `described`: the file with the PC's description, when it is not this one.
    """
    end = _end(report, screen, next_command)
    if screen.verbose:
        parts = [*_heading(report, described, screen, shown), *_all(report, shown, screen), *end]
    else:
        for detail in _DETAILS:
            parts = [
                *_heading(report, described, screen, shown),
                *_summary(report, shown, screen, detail),
                *end,
            ]
            if "".join(text for text, _ in parts).count("\n") < screen.height:
                break
    screen.write(parts)


def show_waiting(subjects: Sequence[str], screen: Screen) -> None:
    """What is still being asked, so that nobody believes it hangs."""
    names = ", ".join(say(_SUBJECTS.get(subject, subject)) for subject in subjects)
    screen.line(Text("Still checking: {names} ...", names=names), "quiet")


def count(report: Report) -> Text:
    """ "1 problem must be fixed first, 2 warnings"."""
    fails = sum(finding.status == "fail" for finding in report.findings)
    warns = sum(finding.status == "warn" for finding in report.findings)
    problems = Text.plural("{count} problem", "{count} problems", count=fails)
    warnings = Text.plural("{count} warning", "{count} warnings", count=warns)
    if fails and warns:
        return Text("{problems} must be fixed first, {warnings}", problems=problems, warnings=warnings)
    if fails:
        return Text("{problems} must be fixed first", problems=problems)
    if warns and report.facts.installation is None:
        return Text("Ready to install, {warnings}", warnings=warnings)
    if warns:
        return Text("No problems, {warnings}", warnings=warnings)
    return Text("No problems found")


def _heading(report: Report, described: Path | None, screen: Screen, shown: Report | None) -> list[Part]:
    if shown is not None or screen.quiet:
        return []
    folder = report.facts.folder
    if described is not None:
        said = Text("The PC described in {file}", file=described)
    elif folder is not None:
        said = Text("This PC, with the install folder {folder}", folder=folder.path)
    else:
        said = Text("This PC")
    parts: list[Part] = []
    if screen.banner is not None:
        parts += [(line + "\n", STYLES["warn"]) for line in folded(say(screen.banner), screen.width)]
    return [*parts, *((line + "\n", "bold") for line in folded(say(said), screen.width)), ("\n", "")]


def _summary(report: Report, shown: Report | None, screen: Screen, detail: _Detail) -> list[Part]:
    """Problems, then warnings, then the names of what is OK."""
    findings = (shown or report).findings
    title = max((len(say(finding.title)) for finding in findings if _bad(finding)), default=0)
    parts: list[Part] = []
    for finding in sorted(filter(_bad, findings), key=lambda one: one.status != "fail"):
        parts += _line(finding, screen, title=title)
        parts += _details(finding, screen.width, _DETAILS[0] if finding.status == "fail" else detail)
    for status in () if screen.quiet else ("ok", "skip"):
        names = ", ".join(say(finding.title) for finding in findings if finding.status == status)
        if not names:
            continue
        said = Text("{status}: {names}", status=_WORDS[status], names=names)
        first, *rest = folded(say(said), screen.width - _INDENT)
        parts.append((f" {screen.mark(status)} ", STYLES[status]))
        parts += [(first + "\n", STYLES["quiet"])]
        parts += [(" " * _INDENT + line + "\n", STYLES["quiet"]) for line in rest]
    return [*parts, ("\n", "")] if parts else []


def _all(report: Report, shown: Report | None, screen: Screen) -> list[Part]:
    """One line for each check, and below it what there is to say."""
    findings = (shown or report).findings
    title = max((len(say(finding.title)) for finding in findings), default=0)
    word = max(len(say(said)) for said in _WORDS.values())
    parts: list[Part] = []
    for finding in findings:
        parts += [*_line(finding, screen, title=title, word=word), *_details(finding, screen.width, _DETAILS[0])]
    return [*parts, ("\n", ""), *_probes(report, screen)]


def _end(report: Report, screen: Screen, next_command: str | None) -> list[Part]:
    """How it is, and what comes next."""
    parts: list[Part] = [(say(count(report)) + "\n", STYLES[_verdict(report)])]
    if not screen.verbose and not screen.quiet:
        parts.append((say(Text("All checks in detail: add -v")) + "\n", STYLES["quiet"]))
    if next_command is not None:
        parts.append((say(Text("Next:")) + "\n", ""))
        parts.append(("  " + typed(next_command) + "\n", STYLES["hint"]))
    return parts


def _bad(finding: Finding) -> bool:
    return finding.status in ("warn", "fail")


def _line(finding: Finding, screen: Screen, *, title: int, word: int = 0) -> list[Part]:
    """Mark, word, title and summary; the summary is folded beside the title."""
    status = finding.status
    quiet = "dim" if status == "skip" else ""
    said = f"{say(_WORDS[status]):<{word}} " if word else ""
    before = _INDENT + len(said) + title + 2
    summary = folded(say(finding.summary), screen.width - before, commands_in(finding.summary))
    parts: list[Part] = [
        (f" {screen.mark(status)} {said}", STYLES[status]),
        (f"{say(finding.title):<{title}}  ", quiet or "bold"),
        (summary[0] + "\n", quiet),
    ]
    return parts + [(" " * before + line + "\n", quiet) for line in summary[1:]]


def _details(finding: Finding, width: int, detail: _Detail) -> list[Part]:
    """Why it matters, and the one fix with its command; nothing for what is OK."""
    if not _bad(finding):
        return []
    labels = say(message("why:")), say(message("fix:"))
    room = max(map(len, labels)) + 1
    parts: list[Part] = []
    if finding.why is not None and detail.why:
        parts += _detail(labels[0], sentence(finding.why), width, room)
    if finding.fix is not None:
        if detail.fix or finding.fix.command is None:
            parts += _detail(labels[1], finding.fix.text, width, room)
        if finding.fix.command is not None:
            parts.append((" " * (_INDENT + room) + typed(finding.fix.command) + "\n", STYLES["hint"]))
    return parts


def _detail(label: str, text: Text, width: int, room: int) -> list[Part]:
    said, command = apart(say(text), commands_in(text))
    first, *rest = folded(said, width - _INDENT - room, commands_in(text))
    parts: list[Part] = [(" " * _INDENT + f"{label:<{room}}", "dim"), (first + "\n", "")]
    parts += [(" " * (_INDENT + room) + line + "\n", "") for line in rest]
    return [*parts, (" " * (_INDENT + room) + command + "\n", STYLES["hint"])] if command else parts


def _probes(report: Report, screen: Screen) -> list[Part]:
    slowest = sorted(report.facts.probe_seconds.items(), key=lambda pair: -pair[1])
    asked = Listed(Text("{name} {seconds:.2f} s", name=name, seconds=seconds) for name, seconds in slowest)
    said = [Text("Time taken: {asked}", asked=asked)] if asked else []
    said += [
        Text("Unknown: {name}: {reason}", name=name, reason=reason)
        for name, reason in sorted(report.facts.unknown.items())
    ]
    return [(line + "\n", STYLES["quiet"]) for text in said for line in folded(say(text), screen.width)]


def _verdict(report: Report) -> str:
    statuses = {finding.status for finding in report.findings}
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"


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
