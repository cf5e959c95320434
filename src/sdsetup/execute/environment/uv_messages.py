"""Why uv failed, understood from what it printed."""

from __future__ import annotations

import re

from sdsetup.errors import SdsetupError
from sdsetup.redaction.secrets import hide_secrets
from sdsetup.text import Text

AGAIN = ("connection-broken", "no-network")  # worth another try by itself
HERE = ("disk-full", "path-too-long", "file-held", "folder-not-writable", "build-failed")  # wherever it comes from

PACKAGES = Text("The Python packages could not be installed")
_CONTINUE = Text("Run the same command again. Downloads are kept.")

# The first that matches is the cause. "os error" numbers are those of Linux and of Windows.
_CAUSES: tuple[tuple[str, tuple[str, ...], Text, Text], ...] = (
    (
        "disk-full",
        ("No space left on device", r"os error 28\b", r"os error 112\b", "not enough space"),
        Text("the disk is full"),
        Text("Free up space on the drives of the install folder and the cache, then run the same command again."),
    ),
    (
        "path-too-long",
        (r"os error 206\b", r"os error 36\b", "[Ff]ile ?name too long", "path too long"),
        Text("a file path is longer than the system allows"),
        Text("Choose a folder with a shorter path, for example at the top of a drive."),
    ),
    (
        "file-held",
        (r"os error 32\b", r"os error 225\b", "being used by another process", "potentially unwanted"),
        Text("another program, such as an antivirus, uses or removed a file"),
        Text(
            "Close programs that use this folder or add it to your antivirus exclusions, then run the same "
            "command again."
        ),
    ),
    (
        "folder-not-writable",
        ("[Pp]ermission denied", r"os error 13\b", r"os error 5\b", "Access is denied", "Read-only file system"),
        Text("a file could not be written"),
        Text("Choose a folder you can write to, then run the same command again. Downloads are kept."),
    ),
    (
        "certificate-refused",
        ("invalid peer certificate", "UnknownIssuer", "certificate verify failed", "self.signed certificate"),
        Text(
            "the server's certificate is not trusted, often because a filtering proxy or an antivirus inspects "
            "the connection"
        ),
        Text("Set SSL_CERT_FILE to your network's certificate file, then run the same command again."),
    ),
    (
        "no-network",
        ("dns error", "failed to lookup address", "failure in name resolution", "Name or service not known"),
        Text("the package index's name could not be resolved"),
        Text("Check your internet connection (and proxy), then run the same command again. Downloads are kept."),
    ),
    (
        "package-changed",
        ("[Hh]ash mismatch",),
        Text("a package does not match its SHA-256"),
        Text(
            "Run the same command again. If it fails again, use another network: "
            "something changes the files on the way."
        ),
    ),
    (
        "no-matching-package",
        ("No solution found", "no wheels? with a matching", "was not found in the package registry"),
        Text("no version fits this Python and this system"),
        Text("The web UI needs Python 3.10 (64-bit). See which versions you have: sdsetup doctor"),
    ),
    (
        "build-failed",
        ("Failed to build", "build backend (returned an error|failed)"),
        Text("a package had no ready-made build and could not be compiled"),
        Text("Create a support report: sdsetup report"),
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
        Text("the connection was lost"),
        _CONTINUE,
    ),
)


def why_uv_failed(said: str, what: Text = PACKAGES, rc: int = 1) -> SdsetupError:
    """The error for a failed uv command, from everything it printed; `what` says in general what failed, `rc` is
    its exit code."""
    said = hide_secrets(said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
    if not last:  # killed, or never started: Windows' numbers for that are known in hexadecimal
        code = f"0x{rc & 0xFFFFFFFF:08X}" if abs(rc) > 0xFFFF else str(rc)
        return SdsetupError(
            Text("{what} (uv stopped without a message, exit code {code})", what=what, code=code),
            hint=Text("Check whether your antivirus program blocked uv, then run the same command again."),
            code="packages-failed",
        )
    if cause := next((line for line in lines if line.startswith(("cause:", "Caused by:"))), ""):
        last = f"{last}: {cause.partition(':')[2].strip()}"
    message = Text("{what} ({last})", what=what, last=last.removeprefix("error: "))
    for code, patterns, why, hint in _CAUSES:
        if any(re.search(pattern, said) for pattern in patterns):
            return SdsetupError(message, why=why, hint=hint, code=code)
    return SdsetupError(message, hint=_CONTINUE, code="packages-failed")
