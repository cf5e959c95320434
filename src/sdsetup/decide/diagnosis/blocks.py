"""A log cut into incidents: each traceback with its message, each report of the web UI, each failed call whole.

An incident begins with what was being done (`Installing clip`, `*** Error loading script`) and ends with the last
line about it, so that what failed and where it failed stand together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from sdsetup.decide.diagnosis.log import Log, bare, indent
from sdsetup.text import Text

# Ordinary lines that are about something new. What an incident printed ends there.
_MILESTONES = (
    "[sdsetup] ", "Launching Web UI", "Launching API server", "Running on local URL", "Running on public URL",
    "To create a public link", "Startup time:", "Loading weights [", "Creating model from config",
    "Model loaded in", "Applying attention optimization", "Version: ", "Commit hash: ", "LatentDiffusion:",
    "DiffusionWrapper has", "Loading VAE weights", "Calculating sha256", "Total progress:",
    "Reusing loaded model", "Python 3.", "Create and activate", "Launching launch.py", "venv \"",
    "Creating venv in", "Restarting UI", "no module 'xformers'", "No module 'xformers'",
)  # fmt: skip
_ACTION = re.compile(
    r"^(?:Installing (?!build |backend |collected )|Cloning \S.* into |Fetching (?:all|updates)"
    r"|Checking out commit |Downloading: \"|Creating venv |Upgrading pip|Pruning)"
)
# Headings of the web UI's reports: with "*** " since 1.3, bare before.
_HEADING = re.compile(
    r"^(?:Error (?:loading script|executing callback|running |calling|completing request|verifying"
    r"|loading embedding|parsing|getting|creating|setting)|API error|loading stable diffusion model"
    r"|creating model quickly|Failed to match keys|changing setting )"
)
_EXTENSION_HEADING = re.compile(
    r"^(?:Error (?:loading script|executing callback|calling"
    r"|running (?:install\.py|before_|after_|process|postprocess))|[Ee]rror (?:executing|loading) (?!['\"]))"
)
_REQUEST_HEADING = re.compile(
    r"^(?:Error completing request|API error|Error running (?:process|postprocess|before_|after_))"
)
_FAILED_CALL = "RuntimeError: Couldn't "  # its traceback may be cut off
_TRACEBACK = "Traceback (most recent call last):"
# The web UI's account of a call that failed: whatever stands in it, tracebacks included, is what that call said.
_QUOTES = ("Command: ", "Error code: ", "stdout: ", "stderr: ")
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_FRAME_FILE = re.compile(r'File "([^"\n]+)", line \d+')
_LIBRARY = re.compile(
    r"[\\/](?:site|dist)-packages[\\/]|[\\/][Ll]ib[\\/](?:python[\d.]+[\\/])?\w+(?:[\\/]\w+)*\.py$|^<"
)
_EXTENSION = re.compile(r"[\\/]extensions[\\/]([^\\/\"'\n:*?<>|]+)")
_FOR_EXTENSION = re.compile(r"for extension (.+?)\.?$")
_SCRIPT = re.compile(r"Error loading script: (\S+)")
_MESSAGE = re.compile(
    r"^(?:[\w.]*(?:Error|Exception|Interrupt|Warning|Exit|NotFound)\b(?::|$)"
    r"|ERROR: |error: |fatal: |[Ee]rror:)"
)
_SECOND_ERROR = re.compile(r"^(?!RuntimeError: Couldn't )[A-Za-z_][\w.]*(?:Error|Exception): ")
_LONGEST_PREAMBLE = 400  # lines: pip's and git's talk before a failure


@dataclass(frozen=True, kw_only=True)
class Block:
    """Lines `begins` to `ends` (indices, `ends` excluded) that belong together."""

    begins: int
    ends: int
    error: bool = False  # it holds a traceback or a report of the web UI
    extension: bool = False  # the web UI went on without what an extension wanted to do
    request: bool = False  # about one image


def blocks_of(log: Log, begins: int) -> tuple[Block, ...]:
    """The last start's lines, cut into blocks; ordinary lines between incidents form blocks of their own."""
    starts: list[int] = [begins]
    chained_until = -1
    in_error, finished, quoting, acting = False, False, False, False
    edge = 0  # the indentation of the traceback that is being read
    for at in range(begins, len(log.lines)):
        line = log.lines[at]
        if not line or line.isspace():
            continue
        first = line.lstrip()
        if quoting and not (line.startswith((*_MILESTONES, "---", "*** Error ")) or _begins_report(line)):
            continue
        if in_error and bare(line).startswith(_QUOTES):
            quoting = True
            continue
        if first.startswith(_CHAINED):
            chained_until, finished = at + 3, False
        elif _begins_report(line):
            starts.append(at)
            acting = False
            in_error, finished, quoting = True, False, False
        elif _TRACEBACK in line:
            if in_error and not finished:
                edge = indent(bare_edge(line))
                continue
            if at > chained_until and ((in_error and not acting) or at - starts[-1] > _LONGEST_PREAMBLE):
                starts.append(at)
            in_error, finished, edge = True, False, indent(bare_edge(line))
        elif (
            (first.startswith(_MILESTONES) and not first.startswith("[sdsetup] torch"))
            or _ACTION.match(line)
            or line.startswith("---")
        ):
            starts.append(at)
            in_error, finished, quoting = False, False, False
            acting = bool(_ACTION.match(line))  # what a call says before the web UI's own traceback belongs to it
        elif in_error and at > chained_until and indent(bare_edge(line)) <= edge and not _frame(first):
            # Python says one error for a traceback: a second one is about something else.
            if finished and _SECOND_ERROR.match(first):
                starts.append(at)
                in_error = False
            finished = True
    edges = [*dict.fromkeys(starts), len(log.lines)]
    return tuple(_block(log, one, two) for one, two in pairwise(edges) if one < two)


def bare_edge(line: str) -> str:
    return line[3:] if line.startswith("***") else line


def _frame(line: str) -> bool:
    return line.startswith(('File "', "Traceback", "^", "~", "|"))


def _begins_report(line: str) -> bool:
    if line.startswith("*** "):
        return bool(_HEADING.match(line[4:])) or (
            line.startswith("*** Error") and not line.startswith("*** Error code")
        )
    return bool(_HEADING.match(line))


def _block(log: Log, begins: int, ends: int) -> Block:
    heading = bare(log.lines[begins])
    report = _begins_report(log.lines[begins])
    return Block(
        begins=begins,
        ends=ends,
        error=report or any(_TRACEBACK in line or _FAILED_CALL in line for line in log.lines[begins:ends]),
        extension=report and bool(_EXTENSION_HEADING.match(heading)),
        request=report and bool(_REQUEST_HEADING.match(heading)),
    )


def extension_in(log: Log, begins: int, ends: int) -> str | Text | None:
    """The extension at fault in these lines: the one that the report's heading names, or the one whose own code
    the error came from. Extensions hook into every image, so one that only stands further out is not at fault."""
    heading = log.lines[begins]
    if named := _EXTENSION.findall(heading):
        return str(named[-1]).rstrip(".") if _FOR_EXTENSION.search(heading) else str(named[-1])
    frames = [found[1] for line in log.lines[begins:ends] if (found := _FRAME_FILE.search(line))]
    own = [frame for frame in frames if not _LIBRARY.search(frame)]
    if own and (named := _EXTENSION.findall(own[-1])):
        return str(named[-1])
    if script := _SCRIPT.search(heading):
        return Text("with the script {name}", name=script[1])
    return None


def failed_extensions(lines: Iterable[str]) -> tuple[str, ...]:
    """The extensions that the web UI reported and started without, in the order of its report."""
    log = Log(lines)
    reports = [block for block in blocks_of(log, 0) if block.error and _begins_report(log.lines[block.begins])]
    named = [extension_in(log, block.begins, block.ends) for block in reports]
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))


def last_words(log: Log, begins: int, ends: int, count: int = 8) -> list[tuple[int, str]]:
    """The lines (index and text) that say most: the message at the end of an error, else the last ones."""
    said = [at for at in range(begins, ends) if log.lines[at].strip() and not log.lines[at].startswith("---")]
    errors = [at for at in said if _MESSAGE.match(bare(log.lines[at]))]
    if errors and said[-1] - errors[-1] > count:
        said = [at for at in said if at >= errors[-1]][:count]
    return [(at, log.lines[at].rstrip()) for at in said[-count:]]


def message_after(log: Log, begins: int, ends: int) -> int | None:
    """The index of the first error message in these lines."""
    lines = range(begins, min(ends, len(log.lines)))
    return next((at for at in lines if _MESSAGE.match(bare(log.lines[at]))), None)


def error_line(log: Log, begins: int, ends: int) -> int | None:
    """The index of the line with the last error's own message."""
    return next((at for at in range(ends - 1, begins - 1, -1) if _MESSAGE.match(bare(log.lines[at]))), None)
