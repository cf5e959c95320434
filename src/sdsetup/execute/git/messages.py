"""What git said, understood: why a transfer failed, and how far one is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdsetup.text import Text


@dataclass(frozen=True, kw_only=True)
class Cause:
    """`code` is stable; `again` says whether the same address is worth another try."""

    code: str
    why: Text
    hint: Text
    again: bool


_CONTINUE = Text("Run the same command again. Finished work is kept.")

# The first that matches is the cause; git's texts are English because its children run under LC_ALL=C.
_CAUSES: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (
        re.compile(r"No space left on device|not enough space|ENOSPC", re.IGNORECASE),
        Cause(
            code="disk-full",
            why=Text("the disk is full"),
            hint=Text("Free up space on that drive, then run the same command again."),
            again=False,
        ),
    ),
    (
        re.compile(r"Filename too long|File name too long"),
        Cause(
            code="path-too-long",
            why=Text("a file path is longer than the system allows"),
            hint=Text("Choose a folder with a shorter path, for example at the top of a drive."),
            again=False,
        ),
    ),
    (
        re.compile(r"dubious ownership"),
        Cause(
            code="folder-of-another-user",
            why=Text("the folder belongs to another user, so Git does not trust it"),
            hint=Text("Install as the user who will run the web UI, not as administrator."),
            again=False,
        ),
    ),
    (
        re.compile(
            r"Permission denied|Access is denied|Read-only file system"
            r"|could not create (work tree|leading director)"
        ),
        Cause(
            code="folder-not-writable",
            why=Text("a file could not be written there"),
            hint=Text("Choose a folder you can write to, or close the program that blocks this one."),
            again=False,
        ),
    ),
    (
        re.compile(
            r"could not read Username|Authentication failed|terminal prompts disabled|repository '.*' not found"
            r"|Repository not found|does not appear to be a git repository"
            r"|returned error: (401|403|404|410|451)\b|remote error: access denied"
        ),
        Cause(
            code="repository-gone",
            why=Text("the repository no longer exists, or it requires a sign-in"),
            hint=Text("Use a webui.toml with another address: --profiles FOLDER"),
            again=False,
        ),
    ),
    (
        re.compile(
            r"not our ref|unadvertised object|couldn't find remote ref|Could not find remote ref|unknown revision"
            r"|reference is not a tree"
        ),
        Cause(
            code="commit-gone",
            why=Text("the server does not have the pinned version"),
            hint=Text("Use a webui.toml with another commit: --profiles FOLDER"),
            again=False,
        ),
    ),
    (
        re.compile(r"Could not resolve (host|proxy)|Temporary failure in name resolution", re.IGNORECASE),
        Cause(
            code="no-network",
            why=Text("the server name could not be resolved"),
            hint=Text(
                "Check your internet connection (and proxy), then run the same command again. "
                "Finished work is kept."
            ),
            again=False,  # it will not be found in a few seconds either; another address's name may be
        ),
    ),
    (
        re.compile(r"certificate|SSL_ERROR|schannel|server verification failed", re.IGNORECASE),
        Cause(
            code="certificate-refused",
            why=Text(
                "the server's certificate is not trusted, often because a filtering proxy or an antivirus "
                "inspects the connection"
            ),
            hint=Text("Tell Git about your network's certificate: git config --global http.sslCAInfo FILE"),
            again=False,
        ),
    ),
    (
        re.compile(r"CONNECT tunnel failed|HTTP code 407|Proxy Authentication|proxy", re.IGNORECASE),
        Cause(
            code="proxy-failed",
            why=Text("the proxy refused the connection or did not respond"),
            hint=Text("Check HTTPS_PROXY, then run the same command again. Finished work is kept."),
            again=True,
        ),
    ),
    (
        re.compile(
            r"Failed to connect|Connection (refused|reset|timed out)|Couldn't connect|Operation too slow"
            r"|early EOF|unexpected disconnect|RPC failed|returned error: (429|5\d\d)\b|hung up unexpectedly"
            r"|Empty reply|transfer closed|invalid index-pack output"
        ),
        Cause(
            code="connection-broken",
            why=Text("the connection was lost or too slow"),
            hint=_CONTINUE,
            again=True,
        ),
    ),
)

BUSY = Cause(
    code="git-busy",
    why=Text("another Git command is running in this folder"),
    hint=Text("Wait until it has finished, then run the same command again."),
    again=False,
)
UNKNOWN = Cause(code="git-failed", why=Text("Git gave no reason"), hint=_CONTINUE, again=True)
SILENT = Cause(code="connection-broken", why=Text("no data for two minutes"), hint=_CONTINUE, again=True)
DUMB = Cause(code="connection-broken", why=Text("the server did not respond"), hint=_CONTINUE, again=True)


def why_git_failed(said: str) -> Cause:
    """The cause of a failed git command, from everything it printed."""
    for pattern, cause in _CAUSES:
        if pattern.search(said):
            return cause
    return UNKNOWN


_LOCKED = re.compile(r"Unable to create '(?P<path>[^'\n]+\.lock)': File exists")


def locked(said: str) -> str | None:
    """The lock file that was in git's way: of a git that runs, or of one that was killed."""
    match = _LOCKED.search(said)
    return None if match is None else match["path"]


def last_words(said: str) -> str:
    """The line that says most: the last `fatal:` or `error:` one, else the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
    return (telling or lines or [""])[-1]


_RECEIVING = re.compile(
    r"Receiving objects:\s+\d+%.*?,\s+(?P<size>[\d.]+) (?P<unit>bytes|[KMG]iB)"
    r"(?:\s+\|\s+(?P<rate>[\d.]+) (?P<rate_unit>bytes|[KMG]iB)/s)?"
)
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def received(line: str) -> tuple[int, float | None] | None:
    """Bytes so far and bytes per second of a progress line, None of any other line."""
    match = _RECEIVING.search(line)
    if match is None:
        return None
    done = int(float(match["size"]) * _UNITS[match["unit"]])
    rate = float(match["rate"]) * _UNITS[match["rate_unit"]] if match["rate"] else None
    return done, rate
