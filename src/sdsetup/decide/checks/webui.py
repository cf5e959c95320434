"""Check of an installation that is there already."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.command import Command
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Installation
from sdsetup.values.findings import Finding, Fix

_WEBUI = Text("Web UI")
_SHORT = 8


def webui(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "installation", "webui", _WEBUI):
        return found
    there = facts.installation
    if there is None:
        return Finding(id="webui", status="skip", title=_WEBUI, summary=Text("not installed in this folder"))
    said = Text(", ".join(_parts(there)))
    problem = _problem(facts, there)
    if problem is None:
        return Finding(id="webui", status="ok", title=_WEBUI, summary=said)
    why, fix = problem
    return Finding(id="webui", status="warn", title=_WEBUI, summary=said, why=why, fix=fix)


def _parts(there: Installation) -> list[str]:
    commit = (there.commit or "commit unknown")[:_SHORT] if there.commit else "no commit"
    parts = [f"{there.branch} at {commit}" if there.branch else f"at {commit}"]
    models = len(there.models)
    parts.append("no model" if not models else "one model" if models == 1 else f"{models} models")
    if there.environment_python is not None:
        parts.append("Python " + ".".join(map(str, there.environment_python)))
    parts.append(f"torch {there.torch}" if there.torch else "no torch")
    return parts


def _problem(facts: Facts, there: Installation) -> tuple[Text, Fix] | None:
    place, family = facts.folder.path if facts.folder else ".", facts.system.family
    finish = Command("sdsetup", "install", "--dir", place, family=family)
    if there.commit is None:
        return (
            Text("Its Git history is missing or broken: a half-made clone, or a downloaded archive."),
            Fix(text=Text("Install beside it and move your models, or mend it:"), command=finish),
        )
    if there.foreign_owner:
        return (
            Text("The folder belongs to another account, so Git refuses to work in it."),
            Fix(
                text=Text("Tell Git that you trust it:"),
                command=Command("git", "config", "--global", "--add", "safe.directory", place, family=family),
            ),
        )
    if there.damaged_files:
        return (
            Text("Files of the web UI are missing or damaged: {names}.", names=", ".join(there.damaged_files)),
            Fix(text=Text("Restore them; models, pictures and settings stay:"), command=finish),
        )
    if there.environment_broken is not None:
        return (
            Text("The Python environment is broken: {why}.", why=there.environment_broken.rstrip(".")),
            Fix(text=Text("Build it anew; models, pictures and settings stay:"), command=finish),
        )
    if there.environment_python is None or there.torch is None:
        return (
            Text("The environment is not finished."),
            Fix(text=Text("Continue the installation:"), command=finish),
        )
    if not there.models:
        return (
            Text("Without a model no picture can be made."),
            Fix(text=Text("Fetch one:"), command=finish),
        )
    if not there.launch_files:
        return Text("There is no launch file."), Fix(text=Text("Write it:"), command="sdsetup tune --apply")
    return None
