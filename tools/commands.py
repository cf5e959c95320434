"""Write the command reference and the man page from the program itself.

python tools/commands.py --write   # docs/commands.md, docs/sdsetup.1, the table of README.md
python tools/commands.py           # exit code 1 where one of them is not what --help says
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from sdsetup.cli.app import GROUPS, app
from sdsetup.cli.examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "commands.md"
MAN_PAGE = ROOT / "docs" / "sdsetup.1"
README = ROOT / "README.md"
_TABLE = re.compile(r"(?<=<!-- commands -->\n).*?(?=<!-- /commands -->)", re.DOTALL)


def made() -> dict[Path, str]:
    """Each file with what should be in it."""
    page = README.read_text(encoding="utf-8")
    return {
        REFERENCE: reference(),
        MAN_PAGE: man_page(),
        README: _TABLE.sub(lambda _: readme_table(), page),
    }


def commands() -> Iterator[tuple[str, str, Any]]:
    """Group, words, and command, in the order of --help."""
    group: Any = typer.main.get_command(app)
    for title, names in GROUPS.items():
        for name in names:
            command = group.get_command(None, name)
            below = getattr(command, "commands", None)
            if below is None:
                yield title, name, command
            else:
                for word, one in below.items():
                    yield title, f"{name} {word}", one


def parameters(command: Any) -> Iterator[tuple[str, str]]:
    """How each argument and option is written, and its help."""
    context = command.make_context("sdsetup", [], resilient_parsing=True, help_option_names=["-h", "--help"])
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield record[0], " ".join(record[1].split())


def reference() -> str:
    lines = [
        "# Commands",
        "",
        "Made by `tools/commands.py` from what `--help` says. Without a command, `sdsetup` starts the wizard.",
        "",
    ]
    last = ""
    for group, name, command in commands():
        if group != last:
            lines += [f"## {group}", ""]
        last = group
        lines += [f"### sdsetup {name}", "", command.help.strip(), ""]
        lines += ["```", *(f"{line}  # {what}" for line, what in EXAMPLES[name]), "```", ""]
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| `{_cell(written)}` | {_cell(said)} |" for written, said in parameters(command)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def readme_table() -> str:
    lines = ["| command | what it does |", "|---|---|", "| `sdsetup` | Start the wizard |"]
    lines += [f"| `sdsetup {name}` | {said} |" for names in GROUPS.values() for name, said in names.items()]
    return "\n".join(lines) + "\n"


def man_page() -> str:
    lines = [
        '.TH SDSETUP 1 "" "sdsetup" "User Commands"',
        ".SH NAME",
        r"sdsetup \- install the Stable Diffusion web UI (AUTOMATIC1111) and keep it working",
        ".SH SYNOPSIS",
        ".B sdsetup",
        r"[\fICOMMAND\fR] [\fIOPTIONS\fR]",
        ".SH DESCRIPTION",
        "Without a command, sdsetup starts the wizard.",
    ]
    last = ""
    for group, name, command in commands():
        if group != last:
            lines.append(f".SH {group.upper()} COMMANDS")
        last = group
        lines += [f".SS sdsetup {_roff(name)}", _roff(command.help.strip())]
        for written, said in parameters(command):
            lines += [".TP", rf"\fB{_roff(written)}\fR", _roff(said)]
        lines += [".PP", "Examples:"]
        for line, what in EXAMPLES[name]:
            lines += [".TP", _roff(line), _roff(what)]
    lines += [
        ".SH EXIT STATUS",
        *(".TP", "0", "Done"),
        *(".TP", "1", "An expected failure, or a problem found"),
        *(".TP", "2", "Wrong usage"),
        *(".TP", "3", "Internal error"),
        *(".TP", "130", "Interrupted"),
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _roff(text: str) -> str:
    """Text that roff shows as it is: no escapes, dashes that can be copied, no request at a line's start."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{text}" if text.startswith((".", "'")) else text


def main(arguments: list[str]) -> int:
    stale = [path for path, text in made().items() if not _same(path, text)]
    for path in stale:
        if "--write" in arguments:
            path.write_text(made()[path], encoding="utf-8", newline="\n")
        else:
            sys.stdout.write(f"{path.relative_to(ROOT)} is not what --help says: tools/commands.py --write\n")
    return 0 if "--write" in arguments else int(bool(stale))


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
