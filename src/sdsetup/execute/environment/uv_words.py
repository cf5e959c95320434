"""Why uv failed, understood from what it printed."""

from __future__ import annotations

import re

from sdsetup.errors import SdsetupError
from sdsetup.redaction import hide_secrets
from sdsetup.text import Text, message

AGAIN = ("connection-broken", "no-network")  # worth another try by itself
HERE = ("disk-full", "path-too-long", "file-held", "folder-not-writable", "build-failed")  # wherever it comes from

_CONTINUE = "Run the same command again: what is already downloaded is kept."

# The first that matches is the cause. "os error" numbers are those of Linux and of Windows.
_CAUSES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        "disk-full",
        ("No space left on device", r"os error 28\b", r"os error 112\b", "not enough space"),
        message("the disk is full"),
        message("Free some space on the drive of the folder and of the cache, then run the same command again."),
    ),
    (
        "path-too-long",
        (r"os error 206\b", r"os error 36\b", "[Ff]ile ?name too long", "path too long"),
        message("a file's path became longer than the system allows"),
        message("Choose a folder with a shorter path, such as one directly below the drive."),
    ),
    (
        "file-held",
        (r"os error 32\b", r"os error 225\b", "being used by another process", "potentially unwanted"),
        message("another program holds or removed a file, as virus scanners do"),
        message(
            "Close programs that use this folder, or except it in the virus scanner; "
            "then run the same command again."
        ),
    ),
    (
        "folder-not-writable",
        ("[Pp]ermission denied", r"os error 13\b", r"os error 5\b", "Access is denied", "Read-only file system"),
        message("a file could not be written"),
        message("Choose a folder that you may write to. " + _CONTINUE),
    ),
    (
        "certificate-refused",
        ("invalid peer certificate", "UnknownIssuer", "certificate verify failed", "self.signed certificate"),
        message("the server's certificate was refused, as happens behind a filtering proxy or a virus scanner"),
        message(
            "Give your network's certificate: set SSL_CERT_FILE to its file, then run the same command again."
        ),
    ),
    (
        "no-network",
        ("dns error", "failed to lookup address", "failure in name resolution", "Name or service not known"),
        message("the package index's name could not be resolved"),
        message("Check the connection (and the proxy variables, if you use one). " + _CONTINUE),
    ),
    (
        "package-changed",
        ("[Hh]ash mismatch",),
        message("a package does not have the pinned SHA-256"),
        message("Nothing was installed. If it persists, the server or something in between changes files."),
    ),
    (
        "no-matching-package",
        ("No solution found", "no wheels? with a matching", "was not found in the package registry"),
        message("no version fits this Python and this system"),
        message(
            "Python 3.10 (64-bit) is what the web UI is made for; `sdsetup doctor` shows which ones are there."
        ),
    ),
    (
        "build-failed",
        ("Failed to build", "build backend (returned an error|failed)"),
        message("a package had to be built from source and could not be"),
        message("This is worth a report: sdsetup report"),
    ),
    (
        "connection-broken",
        (
            "error sending request",
            "connection (closed|reset|refused|error)",
            "timed? ?out",
            "error decoding response",
            "response body error",
            "Failed to (download|fetch)",
            r"HTTP status (server error|client error \(4(08|29))",
            "peer closed",
            "unexpected end of file",
            "before message length reached",
        ),
        message("the connection broke"),
        message(_CONTINUE),
    ),
)


def why_uv_failed(said: str, what: str = message("The Python packages could not be installed")) -> SdsetupError:
    """The error for a failed uv command, from everything it printed; `what` says in general what failed."""
    said = hide_secrets(said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
    if cause := next((line for line in lines if line.startswith(("cause:", "Caused by:"))), ""):
        last = f"{last}: {cause.partition(':')[2].strip()}"
    message = Text("{what} ({last})", what=Text(what), last=last.removeprefix("error: "))
    for code, patterns, why, hint in _CAUSES:
        if any(re.search(pattern, said) for pattern in patterns):
            return SdsetupError(message, why=Text(why), hint=Text(hint), code=code)
    return SdsetupError(message, hint=Text(_CONTINUE), code="packages-failed")
