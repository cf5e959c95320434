"""A support report as a file: a summary to read, then the JSON; and what is said when it has been written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.text import Text

_BEFORE, _AFTER = "\n```json\n", "\n```\n"
_MOST = 16  # checks that the summary names, so that it has at most 30 lines
_FACTS = ("os", "driver", "memory", "disk", "python", "webui", "environment", "launch-file")


def report_markdown(document: dict[str, Any]) -> str:
    """The report as it can be posted. English and ASCII in every language: helpers and forums read it."""
    lines = "\n".join(_summary(document)).encode("ascii", "backslashreplace").decode("ascii")
    return f"{lines}\n{_BEFORE}{json.dumps(document, indent=2, ensure_ascii=True)}{_AFTER}"


def document_in(text: str) -> str:
    """The JSON of a file that `report` or `--json` made."""
    _, fence, rest = text.replace("\r\n", "\n").partition(_BEFORE)
    return rest.partition(_AFTER)[0] if fence and not text.lstrip().startswith("{") else text


def _summary(document: dict[str, Any]) -> Iterator[str]:
    checks = {check["id"]: check for check in document["checks"]}
    versions = document["versions"]
    yield "# sdsetup support report"
    yield ""
    yield f"- sdsetup {versions['sdsetup']}, Python {versions['python']}"
    for gpu in document["machine"]["gpus"] or ():
        yield f"- Graphics card: {_plain(gpu['name'] or gpu['vendor'])}, {_memory(gpu['vram_bytes'])}"
    for name in _FACTS:
        if (check := checks.get(name)) and check["status"] in ("ok", "warn", "fail"):
            yield f"- {_plain(check['title'])}: {_plain(check['summary'])}"
    tuning = document["tuning"]
    if tuning is not None:
        yield f"- Suggested flags: {' '.join(tuning['flags']) or 'none'}"
    bad = [check for status in ("fail", "warn") for check in document["checks"] if check["status"] == status]
    yield ""
    yield f"## Problems and warnings: {len(bad) or 'none'}"
    yield ""
    room = _MOST - len(document["machine"]["gpus"] or ())
    for check in bad[:room]:
        word = "Problem" if check["status"] == "fail" else "Warning"
        why = f". {_plain(check['why'])}" if check["why"] else ""
        yield f"- **{word}** {_plain(check['title'])}: {_plain(check['summary'])}{why}"
    if len(bad) > room:
        yield f"- and {len(bad) - room} more, listed below"


def _memory(count: int | None) -> str:
    return "memory unknown" if count is None else f"{count / 2**30:.3g} GB"


def _plain(text: str) -> str:
    """One line that Markdown shows as it is."""
    return " ".join(text.split()).replace("<", "\\<").replace("`", "'")


def show_written(document: dict[str, Any], path: Path, screen: Screen) -> None:
    """Where it is, what it holds, and what a helper does with it."""
    screen.line(Text("{mark} Report: {path}", mark=screen.mark("ok"), path=path.absolute()), "ok")
    screen.line(
        Text(
            "It has a summary, {checks} checks, the settings for the graphics card, and the ends of {logs} logs.",
            checks=len(document["checks"]),
            logs=len(document["logs"]),
        ),
        indent=2,
    )
    screen.line(
        Text(
            "Names, user folders, tokens, serial numbers, and addresses were removed. It's plain text: read it "
            "before you post it."
        ),
        indent=2,
    )
    screen.line(Text("A helper can check it with:"), indent=2)
    screen.command(Command("sdsetup", "doctor", "--facts", path.name), indent=4, carried=False)


def show_bill(document: dict[str, Any], path: Path, screen: Screen) -> None:
    """Where the list is, and how long."""
    said = Text(
        "{mark} List of {count} components: {path}",
        mark=screen.mark("ok"),
        count=len(document["components"]),
        path=path.absolute(),
    )
    screen.line(said, "ok")
