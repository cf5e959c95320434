"""What every call of git is given, so that a repository's own settings start no program."""

from __future__ import annotations

import os
import sys

# Nothing can lie below a file. Windows has a real folder \dev\null as soon as somebody makes one.
_NO_HOOKS = os.devnull if sys.platform != "win32" else sys.executable

# Git's aliases need no switch: they never hide a built-in command, and we call no other.
NO_PROGRAMS = (
    "-c",
    f"core.hooksPath={_NO_HOOKS}",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "core.alternateRefsCommand=true",
    "-c",
    "log.showSignature=false",
)

# Settings whose values are programs, by name: `git config --get-regexp` finds them, `switched_off` empties them.
# https://git-scm.com/docs/gitattributes#_filter, https://git-scm.com/docs/git-hook
NAMED_PROGRAMS = r"^(filter\..*\.(clean|smudge|process|required)|hook\..*\.command)$"

# An address must not name a program either ("ext::sh -c ..."): https://git-scm.com/docs/git#_git_allow_protocol
ALLOWED_PROTOCOLS = "file:git:http:https:ssh"


def switched_off(names: tuple[str, ...]) -> list[str] | None:
    """Arguments that empty these settings; None where one cannot be given on a command line."""
    if any("=" in name for name in names):
        return None
    return [part for name in names for part in ("-c", f"{name}=")]
