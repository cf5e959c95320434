"""Checks of the programs that an installation uses: Python and Git."""

from __future__ import annotations

from typing import Any

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text, all_of
from sdsetup.values.facts import Facts, Python
from sdsetup.values.findings import Finding, Fix
from sdsetup.values.versions import at_least

_PYTHON = Text("Python")
_GIT = Text("Git")


def best_python(facts: Facts, need: Requirements) -> Python | None:
    """The interpreter to build the web UI's environment with; None when one has to be downloaded.

    The wanted version comes before tolerated ones, and newer patch releases before older ones.
    """
    able = [python for python in facts.pythons if unfit(python, facts, need) is None]
    if not able:
        return None
    return max(able, key=lambda p: ((p.version or (0, 0, 0))[:2] == need.python.wanted, p.version or (0, 0, 0)))


_ANOTHER = Text("another version")


def unfit(python: Python, facts: Facts, need: Requirements) -> Text | None:
    """Why an interpreter can't build the environment, None when it can."""
    if python.store_stub:
        return Text("Microsoft Store placeholder")
    if python.version is None:
        return Text("doesn't respond")
    if python.bits == 32:
        return Text("32-bit")
    if not need.python.accepts(python.version, facts.system.family):
        return _ANOTHER
    if python.implementation not in (None, "CPython"):
        return Text("{name} instead of CPython", name=python.implementation)
    if python.embeddable:
        return Text("embeddable package without venv")
    if python.origin == "store":
        return Text("from the Microsoft Store, which hides files from other programs")
    if python.can_venv is False:
        return Text("without the venv module")
    return None


def python(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "pythons", "python", _PYTHON):
        return found
    best = best_python(facts, need)
    if best is not None and best.version is not None:
        said = Text("{version} ({path})", version=".".join(map(str, best.version)), path=best.path)
        return Finding(id="python", status="ok", title=_PYTHON, summary=said)
    wanted = ".".join(map(str, need.python.wanted))
    others = _others(facts, need)
    said = (
        Text("no usable {wanted}", wanted=wanted)
        if others is None
        else Text("no usable {wanted} (found: {others})", wanted=wanted, others=others)
    )
    why = Text(need.python.because)
    if "python" in need.brings:
        return Finding(
            id="python",
            status="warn",
            title=_PYTHON,
            summary=said,
            why=why,
            fix=Fix(
                text=Text("The installation downloads Python {wanted}. To get it now:", wanted=wanted),
                command="sdsetup doctor --fix",
                act="bring-python",
            ),
        )
    command = "winget install --id Python.Python.3.10 -e" if facts.system.family == "windows" else None
    return Finding(
        id="python",
        status="fail",
        title=_PYTHON,
        summary=said,
        why=why,
        fix=Fix(text=Text("Install the 64-bit version of Python {wanted}.", wanted=wanted), command=command),
    )


def git(facts: Facts, need: Requirements) -> Finding:
    if found := unanswered(facts, "git", "git", _GIT):
        return found
    git = facts.git
    least = need.limits.git_least
    if git is not None and (git.version is None or at_least(".".join(map(str, git.version)), least)):
        known = Text("{version}", version=".".join(map(str, git.version))) if git.version else None
        return Finding(id="git", status="ok", title=_GIT, summary=known or Text("version unknown"))
    if "git" in need.brings:
        fix = Fix(
            text=Text("The installation downloads a portable Git. To get it now:"),
            command="sdsetup doctor --fix",
            act="bring-git",
        )
    else:
        command = need.commands_for(facts).git
        what = Text("Install Git:") if command else Text("Install it with your distribution's package manager.")
        fix = Fix(text=what, command=command)
    if git is not None and git.version is not None:
        return Finding(
            id="git",
            status="warn",
            title=_GIT,
            summary=Text("{version} (too old)", version=".".join(map(str, git.version))),
            why=Text(need.limits.git_because),
            fix=fix,
        )
    return Finding(
        id="git",
        status="warn" if "git" in need.brings else "fail",
        title=_GIT,
        summary=Text("not found"),
        why=Text("The web UI is downloaded and updated with Git."),
        fix=fix,
    )


def _others(facts: Facts, need: Requirements) -> Text | None:
    """What is installed instead, so that nobody wonders why the Python they know of isn't used."""
    said: list[Any] = []
    for python in sorted(facts.pythons, key=lambda python: python.version is None):
        reason = unfit(python, facts, need)
        version = ".".join(map(str, python.version)) if python.version else None
        if reason is _ANOTHER:
            said.append(version or "")
        elif reason is not None and (version is None or python.version is not None):
            said.append(Text("{version} ({why})", version=version, why=reason) if version else reason)
    unique = list(dict.fromkeys(text for text in said if text))
    return all_of(unique[:3]) if unique else None
