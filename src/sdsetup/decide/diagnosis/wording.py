"""A finding in words: the profile's sentences, filled in with what the log names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sdsetup.catalog.failures import Failure, FailureBook, Program
from sdsetup.command import Command
from sdsetup.decide.diagnosis.blocks import error_line
from sdsetup.decide.diagnosis.judging import Found, Incident
from sdsetup.decide.diagnosis.log import Log, bare
from sdsetup.decide.diagnosis.log_facts import LogFacts, Version
from sdsetup.decide.diagnosis.values import Diagnosis, LogOrigin, State
from sdsetup.text import Message, Text, message
from sdsetup.values.findings import Fix

_STATES: dict[State, str] = {"healthy": "nothing-wrong", "foreign": "other-program", "unknown": "unknown-error"}
_EVIDENCE = 240  # letters of the line that is shown
_NAMED_FLAG = re.compile(r"(?<![\w-])[-\u2010-\u2014\u2212]{1,2}[A-Za-z][A-Za-z0-9_-]*")
_BEFORE = 40  # lines before an incident in which its model is named

_HOST = (
    re.compile(r"host='([\w.-]+)'"),
    re.compile(r"[Cc]ould not resolve host: ([\w.-]+)"),
    re.compile(r"Failed to connect to ([\w.-]+) port"),
    re.compile(r"https?://(?:[^/\s@'\"]+@)?([\w.-]+\.[\w-]+)"),
)
_MODEL = (
    re.compile(
        r"(?:Loading weights \[\w*\] from|Checkpoint|checkpoint|Calculating sha256 for) "
        r"(.+?\.(?:safetensors|ckpt|pth?|bin|onnx))"
    ),
    re.compile(r"['\" (]((?:[A-Za-z]:)?[^'\"\n<>|]*\.(?:safetensors|ckpt|pth?|onnx))\b"),
)
_PACKAGE = (
    re.compile(r"Couldn't install ([\w.-]+)"),
    re.compile(r"Failed building wheel for ([\w.-]+)"),
    re.compile(r"Failed to build (?:installable wheels for some pyproject\.toml based projects \()?'?([\w.-]+)'?"),
    re.compile(r"satisfies the requirement ([\w.-]+)"),
    re.compile(r"No module named '(\w+)"),
    re.compile(r"site-packages[\\/](\w+)[\\/]"),
)
_PATH = (
    re.compile(r"Permission denied: '([^']+)'"),
    re.compile(r"\[(?:WinError|Errno) \d+\][^'\n]*: '([^'\n]+)'"),
    re.compile(r"'([A-Za-z]:\\[^'\n]+)'"),
    re.compile(r"\"([A-Za-z]:\\[^\"\n]+)\""),
    re.compile(r"'(/[^'\n]+)'"),
)


def worded(
    found: Found,
    incident: Incident | None,
    log: Log,
    facts: LogFacts,
    book: FailureBook,
    origin: LogOrigin,
    *,
    also: tuple[Text, ...] = (),
) -> Diagnosis:
    """The diagnosis for a finding; what an extension did is said to be its doing."""
    failure = found.failure
    values = {**_named(incident, log, facts, book), **_places(origin, facts), **found.groups}
    cause, fix = Text(failure.cause, **values), Text(failure.fix, **values)
    extension = incident.extension if incident is not None else None
    if (
        extension is not None
        and failure.when.extension is None
        and "{extension}" not in failure.cause + failure.fix
    ):
        cause = Text("{cause} It happened in the extension {name}.", cause=cause, name=extension)
        fix = Text("{fix} Or do without the extension {name}.", fix=fix, name=extension)
    if failure.cause.startswith("{extension}"):
        begins = Text("An extension") if extension is None else Text("The extension {name}", name=extension)
        cause = Text(failure.cause, **{**values, "extension": begins})
    out = _taken_out(failure, values)
    helpless = bool(failure.takes_out) and not out  # the log names what has to go in a way that no flag is
    return Diagnosis(
        id=failure.id,
        kind=failure.kind,
        topic=failure.topic,
        title=Text(failure.title),
        cause=cause,
        fix=Fix(
            text=fix,
            command=None if helpless else _command(failure, values, facts.family or origin.family, out),
            act=None if helpless else failure.act,
        ),
        evidence=evidence(log.lines[found.line], found.at),
        line=found.line + 1,
        sources=failure.sources,
        also=also,
        takes_out=out,
    )


def state_of(
    state: State,
    book: FailureBook,
    origin: LogOrigin,
    *,
    program: Program | None = None,
    log: Log | None = None,
    words: Sequence[tuple[int, str]] = (),
) -> Diagnosis:
    """What a log's state means, in the shape of a diagnosis."""
    failure: Failure = book.states[_STATES[state]]
    at, text = words[-1] if words else (-1, "")
    if log is not None and words:
        line = error_line(log, words[0][0], words[-1][0] + 1)
        at, text = (line, log.lines[line]) if line is not None else (at, text)
    values = {
        **_unnamed(book),
        **_places(origin),
        "last_error": Message(program.name) if program else evidence(text) or message("none"),
    }
    return Diagnosis(
        id=failure.id,
        kind="note",
        topic=failure.topic,
        title=Text(failure.title, **values),
        cause=Text(failure.cause, **values),
        fix=Fix(text=Text(failure.fix, **values), command=_command(failure, values, origin.family)),
        evidence=evidence(text),
        line=at + 1,
    )


def _taken_out(failure: Failure, values: dict[str, Any]) -> tuple[str, ...]:
    """What the launch file must lose: names as they are, and the flags in a log's words ("-p/--port", "--a 3")."""
    names: list[str] = []
    for name in failure.takes_out:
        names += _NAMED_FLAG.findall(name.format(**values)) if "{" in name else [name]
    return tuple(dict.fromkeys(names))


def _command(failure: Failure, values: dict[str, Any], family: str | None, out: Sequence[str] = ()) -> str | None:
    """The command to paste; without a folder where none is known."""
    template = failure.command
    for name in out:
        template = f"{template} --without {name.removeprefix('--')}"
    if template is None or "{" not in template:  # what names nothing is a line of its shell already
        return template
    if values["dir"] == ".":
        template = template.replace(' --dir "{dir}"', "")
    return Command.filled(template, family, **values)


def evidence(line: str, at: int = 0) -> str:
    """The line, or of a long one the part around what was found in it."""
    line = line.strip()
    if len(line) <= _EVIDENCE:
        return line
    begins = max(0, min(at - _EVIDENCE // 4, len(line) - _EVIDENCE + 2))
    part = line[begins : begins + _EVIDENCE - 2]
    return "…" * (begins > 0) + part + "…" * (begins + len(part) < len(line))


def _places(origin: LogOrigin, facts: LogFacts | None = None) -> dict[str, str]:
    """The folder and its interpreter: of the installation that is known, else as the log names them."""
    folder = origin.dir if origin.dir != "." or facts is None or facts.dir is None else facts.dir
    python = origin.python
    if python == "python" and folder != ".":
        windows = ((facts and facts.family) or origin.family) == "windows"
        python = f"{folder}\\venv\\Scripts\\python.exe" if windows else f"{folder}/venv/bin/python"
    return {"dir": folder, "python": python}


def _named(incident: Incident | None, log: Log, facts: LogFacts, book: FailureBook) -> dict[str, Any]:
    """What the incident names; where it does not, the profile's words for the unnamed."""
    named: dict[str, Any] = {
        "python_version": _version(facts.python),
        "webui": _version(facts.webui),
        "torch": _version(facts.torch),
        "flags": " ".join(facts.flags) or None,
    }
    if incident is not None:
        block = incident.block
        lines = [bare(line) for line in log.lines[block.begins : block.ends]]
        before = [bare(line) for line in log.lines[max(0, block.begins - _BEFORE) : block.begins]]
        at = error_line(log, block.begins, block.ends)
        named |= {
            "extension": incident.extension and Text("the extension {name}", name=incident.extension),
            "package": _search(lines, _PACKAGE),
            "model": _file_name(_search(lines, _MODEL) or _search(before[::-1], _MODEL[:1])),
            "host": _search(lines, _HOST),
            "path": _search(lines, _PATH),
            "last_error": None if at is None else evidence(log.lines[at]),
        }
    return {**_unnamed(book), **{name: value for name, value in named.items() if value}}


def _unnamed(book: FailureBook) -> dict[str, Any]:
    """The profile's words for what an incident does not name: sentences' parts of ours, so they are translated."""
    return {name: Message(words) for name, words in book.unnamed.items()}


def _search(lines: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> str | None:
    """The first pattern's last place counts: inner errors come later, and name what outer ones only pass on."""
    for pattern in patterns:
        for line in reversed(lines):
            if found := pattern.search(line):
                return found[1]
    return None


def _file_name(path: str | None) -> str | None:
    return re.split(r"[\\/]", path)[-1].strip() if path else None


def _version(version: Version | None) -> str | None:
    return None if version is None else ".".join(map(str, version))
