"""uv: where it is, with which settings it runs here, and what it says while it works."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.pip_settings import uv_variables
from sdsetup.machine import Machine
from sdsetup.machine.process import Child
from sdsetup.text import Text

PAUSES = (3.0, 10.0, 30.0)  # seconds before the second, third and fourth try after a broken connection
_SILENCE = 900.0  # seconds: one large wheel on a slow line is downloaded without a word

# What would change the meaning of our own calls, set for other work of the person.
_FOREIGN = (
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_EXCLUDE",
    "UV_EXCLUDE_NEWER",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
    "UV_TORCH_BACKEND",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_REQUIRE_HASHES",
    "UV_NO_BUILD",
    "UV_NO_BINARY",
    "UV_PROJECT",
    "UV_WORKING_DIRECTORY",
    "UV_COMPILE_BYTECODE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONPATH",
    "PYTHONHOME",
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """How one uv command ended, with everything it printed."""

    rc: int
    text: str


def find(machine: Machine) -> str:
    """The uv program: the one that was installed with us, else one on PATH.

    Raises:
        SdsetupError: `uv-missing`.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = machine.which("uv")
    if found is None:
        raise SdsetupError(
            Text("The package installer uv was not found"),
            code="uv-missing",
            hint=Text('Install sdsetup again, or uv by itself: "{python}" -m pip install uv', python=sys.executable),
        )
    return found


def variables(context: Context, **more: str) -> dict[str, str]:
    """The environment of a uv child: the person's, pip's settings in uv's words, and ours."""
    env = {name: value for name, value in context.machine.env.items() if name not in _FOREIGN}
    env.update(uv_variables(context.machine))
    env.setdefault("UV_HTTP_RETRIES", "5")
    env.setdefault("UV_SYSTEM_CERTS", "true")
    env.update({"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never", "PYTHONUTF8": "1"})
    for name in ("NO_PROXY", "no_proxy"):
        # A proxy for the world must not catch what we serve to uv from this very machine.
        env[name] = ",".join(part for part in (env.get(name, ""), "127.0.0.1", "localhost") if part)
    env.update(more)
    return env


def run(
    context: Context,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    pauses: Sequence[float] = PAUSES,
) -> str:
    """Run uv to its end; what it printed. Broken connections are tried again after growing pauses.

    Raises:
        SdsetupError: with the cause found in what uv said.
    """
    for pause in (*pauses, None):
        said = once(context, args, env=env, on_line=on_line)
        if said.rc == 0:
            return said.text
        error = why_uv_failed(said.text)
        if pause is None or error.code not in _AGAIN:
            raise error
        context.note(
            Text("{what}; trying again in {pause:.0f} s", what=error.why or error.message, pause=pause)
        )
        time.sleep(pause)
    raise AssertionError("the last round returns or raises")


def once(
    context: Context,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
) -> Said:
    """Run uv once; its lines go to `on_line` as they come."""
    lines: list[str] = []
    cwd = context.state if context.state.is_dir() else Path.cwd()
    with Child([find(context.machine), *args], cwd=cwd, env=env) as child:
        try:
            for line in child.lines(silence=_SILENCE):
                lines.append(line)
                if on_line is not None:
                    on_line(line)
        except TimeoutError:
            return Said(rc=1, text="\n".join([*lines, "error: operation timed out"]))
        return Said(rc=child.rc if child.rc is not None else 1, text="\n".join(lines))


_CONTINUE = "Run the same command again: what is already downloaded is kept."
_AGAIN = ("connection-broken", "no-network")

_CAUSES: tuple[tuple[str, str, str, str], ...] = (
    (
        "disk-full",
        r"No space left on device|os error 28|os error 112|not enough space",
        "the disk is full",
        "Free some space on the drive of the folder and of the cache, then run the same command again.",
    ),
    (
        "path-too-long",
        r"os error 206|[Ff]ile ?name too long|path too long|os error 36\b",
        "a file's path became longer than the system allows",
        "Choose a folder with a shorter path, such as one directly below the drive.",
    ),
    (
        "file-held",
        r"os error 32\b|being used by another process|os error 225|virus or potentially unwanted",
        "another program holds or removed a file, as virus scanners do",
        "Close programs that use this folder, or except it in the virus scanner; then run the same command again.",
    ),
    (
        "folder-not-writable",
        r"[Pp]ermission denied|os error 13\b|os error 5\b|Access is denied|Read-only file system",
        "a file could not be written",
        "Choose a folder that you may write to. " + _CONTINUE,
    ),
    (
        "certificate-refused",
        r"invalid peer certificate|UnknownIssuer|certificate verify failed|self.signed certificate",
        "the server's certificate was refused, as happens behind a filtering proxy or a virus scanner",
        "Give your network's certificate: set SSL_CERT_FILE to its file, then run the same command again.",
    ),
    (
        "no-network",
        r"dns error|failed to lookup address|[Tt]emporary failure in name resolution|Name or service not known"
        r"|No such host is known",
        "the package index's name could not be resolved",
        "Check the connection (and the proxy variables, if you use one). " + _CONTINUE,
    ),
    (
        "package-changed",
        r"[Hh]ash mismatch",
        "a package does not have the pinned SHA-256",
        "Nothing was installed. If it persists, the server or something in between changes files.",
    ),
    (
        "no-matching-package",
        r"No solution found|no wheels? with a matching|no version of|was not found in the package registry"
        r"|because there (is|are) no",
        "no version fits this Python and this system",
        "Python 3.10 (64-bit) is what the web UI is made for; `sdsetup doctor` shows which ones are there.",
    ),
    (
        "build-failed",
        r"Failed to build|build backend (returned an error|failed)|Build backend failed",
        "a package had to be built from source and could not be",
        "This is worth a report: sdsetup report",
    ),
    (
        "connection-broken",
        r"error sending request|connection (closed|reset|refused|error)|timed? ?out|error decoding response body"
        r"|request or response body error|Failed to (download|fetch)|HTTP status (server error|client error \(4(08|29))"
        r"|tunnel|peer closed|unexpected end of file|end of file before message length reached",
        "the connection broke",
        _CONTINUE,
    ),
)


def without_secrets(text: str) -> str:
    """The same without names and passwords inside addresses."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1", text)


def why_uv_failed(said: str) -> SdsetupError:
    """The error for a failed uv command, from everything it printed."""
    said = without_secrets(said)
    telling = [line.strip() for line in said.splitlines() if line.strip()]
    last = next((line for line in telling if line.startswith("error:")), telling[-1] if telling else "")
    for code, pattern, why, hint in _CAUSES:
        if re.search(pattern, said):
            return SdsetupError(
                Text("The Python packages could not be installed ({last})", last=last),
                why=Text(why),
                hint=Text(hint),
                code=code,
            )
    return SdsetupError(
        Text("The Python packages could not be installed ({last})", last=last),
        why=Text("uv did not say why in words that are known"),
        hint=Text(_CONTINUE),
        code="packages-failed",
    )
