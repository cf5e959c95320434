#!/usr/bin/env python3
"""The table of all error codes, docs/error-codes.md, from the source: python tools/error_codes.py [--write]

A code is what stands behind `code=`, or is given to an exception of ours by place. Where it is put together or
handed on, SPELLED says what it can be; a new expression of that kind ends this program with its place.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "sdsetup"
TABLE = ROOT / "docs" / "error-codes.md"
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# Expression -> the codes it can be, each with what happened. Empty: a code that was named elsewhere is handed on.
HANDED_ON: dict[str, str] = {}
SPELLED: dict[str, dict[str, str]] = {
    "f'machine-{finding.id}'": {
        "machine-os": "The operating system can't run the web UI",
        "machine-libraries": "System libraries are missing",
    },
    "f'torch-{verdict.outcome}'": {
        f"torch-{outcome}": f"PyTorch does not work on this PC: {why}"
        for outcome, why in {
            "no-gpu": "it sees no graphics card",
            "wrong-architecture": "it has no code for this graphics card",
            "driver-too-old": "the driver is too old",
            "broken-import": "it cannot be imported",
            "failed": "its test failed",
        }.items()
    },
    "_CODES[problem.kind]": {
        "target-outside": "A name points outside the folder",
        "bad-file-name": "A name can't be used as a file name on every system",
        "path-too-long": "A name is too long",
    },
    "broken.code": HANDED_ON,
    "code": HANDED_ON,
    "error.code": HANDED_ON,
    "failed.cause.code": HANDED_ON,
    "first.code": HANDED_ON,
    "last.cause.code": HANDED_ON,
    # A point of undo: whether the web UI's code is another than now.
    "isinstance(commit, str) and commit != code_of(context)[0]": HANDED_ON,
}
# What happened, where the source builds the sentence elsewhere, or has one for each of several places.
SAID = {
    "certificate-dates": "A certificate is expired or not yet valid, or this PC's clock is wrong",
    "certificate-not-trusted": "A server's certificate is not trusted",
    "certificates-unreadable": "The certificate file can't be read",
    "connection-broken": "The connection was lost or too slow",
    "disk-full": "Not enough disk space",
    "git-busy": "Another Git command is running in this folder",
    "git-failed": "Git failed",
    "no-range": "The server can't resume downloads",
    "not-encrypted": "An address is not encrypted (only https is accepted)",
    "option-value": "An option has an invalid value",
    "packages-failed": "The Python packages could not be installed",
    "path-too-long": "A path is too long",
    "proxy-refused": "The proxy refused to connect to the server",
    "proxy-unusable": "The proxy's address can't be used",
    "tls-failed": "A secure connection failed",
}


@dataclass(frozen=True, order=True)
class Row:
    code: str
    exit_code: int
    what: str
    where: str  # module, below src/sdsetup


def rows() -> list[Row]:
    """One row for each code and module, sorted."""
    found: dict[tuple[str, str], Row] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for code, what, exit_code in _codes(tree, where):
            found.setdefault((code, where), Row(code, exit_code, what, where))
    return sorted(found.values())


def _codes(tree: ast.Module, where: str) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            given = [word.value for word in node.keywords if word.arg == "code"] if name != "Text" else []
            if name.endswith("Error"):
                given += [part for part in node.args[1:] if isinstance(part, ast.Constant)]
            for value in given:
                for code, what in _meant(value, where):
                    yield code, what or _what(node), 2 if name == "UsageError" else 1
        elif isinstance(node, ast.Assign):
            yield from ((code, what, 1) for code, what in _assigned(node))


def _meant(value: ast.expr, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, ast.Constant):
        if isinstance(value.value, str) and CODE.fullmatch(value.value):
            yield value.value, ""
    elif isinstance(value, ast.IfExp):
        yield from _meant(value.body, where)
        yield from _meant(value.orelse, where)
    else:
        said = ast.unparse(value)
        if said not in SPELLED:
            sys.exit(
                f"{where}:{value.lineno}: which codes can {said} be? Name them in SPELLED of tools/error_codes.py"
            )
        yield from SPELLED[said].items()


def _assigned(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """`code, said = "disk-full", Text(...)`, and a dictionary of (Text, code) with its default."""
    target, value = node.targets[0], node.value
    names = [_name(part) for part in target.elts] if isinstance(target, ast.Tuple) else [_name(target)]
    if names[:1] == ["code"] and isinstance(value, ast.Tuple):
        yield str(ast.literal_eval(value.elts[0])), _what(value)
    elif names == ["messages"] and isinstance(value, ast.Dict):
        for entry in value.values:
            if isinstance(entry, ast.Tuple):
                yield str(ast.literal_eval(entry.elts[1])), _what(entry)
    elif "code" in names and isinstance(value, ast.Call) and isinstance(value.args[-1], ast.Tuple):
        entry = value.args[-1]  # message, code = messages.get(outcome, (Text(...), code))
        yield str(ast.literal_eval(entry.elts[1])), _what(entry)


def _causes_of_uv() -> Iterator[Row]:
    where = "execute/environment/uv_messages.py"
    for node in ast.parse((SOURCE / where).read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.AnnAssign)
            and _name(node.target) == "_CAUSES"
            and isinstance(node.value, ast.Tuple)
        ):
            for entry in node.value.elts:
                assert isinstance(entry, ast.Tuple)
                yield Row(str(ast.literal_eval(entry.elts[0])), 1, _what(entry.elts[2]), where)


def _what(node: ast.AST) -> str:
    """The first sentence in it: a template, as it is written."""
    texts = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Call) and _name(part.func) in ("Text", "plural") and part.args
    ]
    for part in texts:
        if isinstance(part.args[-1], ast.Constant):  # of a plural, the form for many
            return str(part.args[-1].value).partition("\n")[0].rstrip(":")
    first = node.args[0] if isinstance(node, ast.Call) and node.args else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def table() -> str:
    lines = [
        "# Error codes",
        "",
        "Every error has a stable code, shown below its message and in the documents of `--json`. Exit codes:",
        "1 a failure with a known cause, 2 a wrong option, 3 an internal error, 130 stopped by Ctrl-C. Words",
        "in braces are filled in.",
        "",
        "`python tools/error_codes.py --write` creates this table from the source; a test compares the two.",
        "",
        "| code | what happened | exit code | where |",
        "|---|---|---|---|",
    ]
    merged: dict[str, list[Row]] = {}
    for row in sorted({*rows(), *_causes_of_uv()}):
        merged.setdefault(row.code, []).append(row)
    for code, all_rows in sorted(merged.items()):
        what = SAID.get(code) or next((row.what for row in all_rows if row.what), "")
        what = f"{what[:1].upper()}{what[1:]}".replace("|", "\\|")
        exits = ", ".join(str(one) for one in sorted({row.exit_code for row in all_rows}))
        where = ", ".join(dict.fromkeys(f"`{row.where}`" for row in all_rows))
        lines.append(f"| `{code}` | {what} | {exits} | {where} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    if "--write" in sys.argv[1:]:
        TABLE.write_text(table(), encoding="utf-8", newline="\n")
    else:
        print(table(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
