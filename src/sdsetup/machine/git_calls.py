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
    "submodule.recurse=false",  # a submodule has settings of its own
    "-c",
    "fetch.recurseSubmodules=false",
)

# Settings whose values are programs, by name: `git config --get-regexp` finds them, `switched_off` overrides them.
# https://git-scm.com/docs/gitattributes#_filter, https://git-scm.com/docs/git-hook, and remote.<name>.uploadpack
NAMED_PROGRAMS = r"^(filter\..*\.(clean|smudge|process|required)|hook\..*\.command|remote\..*\.uploadpack)$"

# For a repository that is not of our making: whoever made it may name a program that is to give a password.
NO_PASSWORDS = ("-c", "credential.helper=")

# An address must not name a program either ("ext::sh -c ..."): https://git-scm.com/docs/git#_git_allow_protocol
ALLOWED_PROTOCOLS = "file:git:http:https:ssh"


def switched_off(names: tuple[str, ...]) -> list[str] | None:
    """Arguments that override these settings; None where one cannot be given on a command line."""
    if any("=" in name for name in names):
        return None
    usual = ("git-upload-pack" if name.endswith(".uploadpack") else "" for name in names)
    return [part for name, value in zip(names, usual, strict=True) for part in ("-c", f"{name}={value}")]
