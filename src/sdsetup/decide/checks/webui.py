"""Checks of an installation that is there already: each part of it, by the judgement that `install` acts on."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.command import Command
from sdsetup.decide.checks.wording import listed, unanswered
from sdsetup.decide.condition import (
    PackageFault,
    checkout_at,
    damaged_models,
    environment_faults,
    lost_flags,
    missing_files,
    own_edits,
    own_flags,
    owner_command,
)
from sdsetup.launchfile import FILE_NAMES
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Installation
from sdsetup.values.findings import Finding, Fix, Status

_WEBUI = Text("Web UI")
_ENVIRONMENT = Text("Environment")
_REPOSITORIES = Text("Repositories")
_MODELS = Text("Models")
_LAUNCH_FILE = Text("Launch file")
_SETTINGS = Text("Settings")
_LAST_RUN = Text("Last run")
_SHORT = 8
_SHOWN = 3
# Without these a machine that needs them has no start or no picture.
_ESSENTIAL = ("--skip-torch-cuda-test", "--no-half", "--use-cpu")


def webui(facts: Facts, _need: Requirements) -> Finding:
    """The checkout itself: its history, its owner, its files."""
    if found := unanswered(facts, "installation", "webui", _WEBUI):
        return found
    there = facts.installation
    if there is None:
        return Finding(id="webui", status="skip", title=_WEBUI, summary=Text("not installed in this folder"))
    commit = there.commit[:_SHORT] if there.commit else None
    said = Text(
        "{branch}at {commit}", branch=f"{there.branch} " if there.branch else "", commit=commit or "no commit"
    )
    checkout = checkout_at(facts.parts, "")
    foreign = facts.parts.foreign if facts.parts else ()
    if there.foreign_owner or foreign:
        return _foreign(facts, said, foreign)
    gone = missing_files(checkout) if checkout else ()
    if gone:
        return _finding(
            facts,
            "webui",
            "fail",
            _WEBUI,
            said,
            Text("Files of it are gone: {names}.", names=_some(gone)),
            Text("Bring them back; nothing else changes:"),
        )
    if there.commit is None:
        return _finding(
            facts,
            "webui",
            "warn",
            _WEBUI,
            said,
            Text("Its Git history is missing or broken: a downloaded archive, or a half-made clone."),
            Text("Give it one; your files and settings stay:"),
        )
    edits = own_edits(checkout) if checkout else ()
    if edits:
        said = Text("{said}; changed by you: {names}", said=said, names=_some(edits))
    return Finding(id="webui", status="ok", title=_WEBUI, summary=said)


def _foreign(facts: Facts, said: Text, parts: tuple[str, ...]) -> Finding:
    names = [name or "the folder itself" for name in parts] or ["the folder"]
    command = owner_command(_place(facts), facts.system.family)
    return Finding(
        id="webui",
        status="fail",
        title=_WEBUI,
        summary=said,
        why=Text(
            "It belongs to another account ({names}), perhaps after one run with sudo: neither Git nor sdsetup "
            "can work in it.",
            names=listed(names[:_SHOWN]),
        ),
        fix=Fix(text=Text("Make it yours again:"), command=command),
    )


def environment(facts: Facts, _need: Requirements) -> Finding:
    """Whether D/venv starts by what its files say, and holds what was locked."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has an environment"
    said = _environment_said(there)
    if there.environment_broken is not None:
        why = Text("The Python environment is broken: {why}.", why=there.environment_broken.rstrip("."))
        return _finding(
            facts,
            "environment",
            "fail",
            _ENVIRONMENT,
            said,
            why,
            Text("Build it anew; models, pictures and settings stay:"),
        )
    if there.environment_python is None or there.torch is None:
        why = Text("The environment is not finished: the web UI cannot start.")
        return _finding(facts, "environment", "fail", _ENVIRONMENT, said, why, Text("Continue the installation:"))
    faults = environment_faults(parts) if parts else ()
    if faults:
        stops = any(fault.stops for fault in faults)
        return _finding(
            facts,
            "environment",
            "fail" if stops else "warn",
            _ENVIRONMENT,
            said,
            Text("{faults}.", faults=packages_said(faults)),
            Text("Set back only what differs; everything else stays:"),
        )
    if parts is not None and parts.locked is None:
        said = Text("{said}; made by somebody else, so its packages are not judged", said=said)
    return Finding(id="environment", status="ok", title=_ENVIRONMENT, summary=said)


def _environment_said(there: Installation) -> Text:
    version = there.environment_python
    python = f"Python {'.'.join(map(str, version))}" if version else "no Python"
    return Text("{python}, {torch}", python=python, torch=f"torch {there.torch}" if there.torch else "no torch")


def packages_said(faults: tuple[PackageFault, ...]) -> Text:
    """The first few faults of an environment and how many more there are."""
    first = ", ".join(str(fault.said) for fault in faults[:_SHOWN])
    more = len(faults) - _SHOWN
    return Text("{first}{more}", first=first, more=f" and {more} more packages" if more > 0 else "")


def repositories(facts: Facts, need: Requirements) -> Finding:
    """The repositories that the web UI's code imports."""
    parts = facts.parts
    if parts is None:
        return Finding(id="repositories", status="skip", title=_REPOSITORIES, summary=Text("not looked at"))
    said, bad = [], []
    for name, commit in need.repositories:
        found = checkout_at(parts, f"repositories/{name}")
        if found is None or found.commit is None:
            bad.append(f"{name} is not there" if found is None else f"{name} is half cloned")
        elif gone := missing_files(found):
            bad.append(f"{name} lacks {_some(gone)}")
        elif found.commit != commit:
            said.append(name)
    count = len(need.repositories)
    if bad:
        why = Text("{bad}: the web UI cannot start.", bad="; ".join(bad))
        return _finding(
            facts,
            "repositories",
            "fail",
            _REPOSITORIES,
            Text("{good} of {count} are whole", good=count - len(bad), count=count),
            why,
            Text("Bring back what is missing:"),
        )
    if said:
        return _finding(
            facts,
            "repositories",
            "warn",
            _REPOSITORIES,
            Text("{count} whole", count=count),
            Text(
                "{names} at another commit than the web UI asks for.",
                names=_some(tuple(said)) + (" is" if len(said) == 1 else " are"),
            ),
            Text("Bring them to it:"),
        )
    return Finding(id="repositories", status="ok", title=_REPOSITORIES, summary=Text("{count} whole", count=count))


def models(facts: Facts, need: Requirements) -> Finding:
    """Whether there is a model that can be loaded."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has models"
    count = len(there.models)
    said = Text("none") if not count else Text("{count}", count="one" if count == 1 else count)
    if not count:
        return _finding(
            facts,
            "models",
            "warn",
            _MODELS,
            said,
            Text("Without a model no picture can be made."),
            Text("Fetch one:"),
        )
    bad = damaged_models(parts, need.model_hashes) if parts else ()
    if bad:
        first = bad[0]
        why = Text(
            "{name}: {said}.",
            name=first.name,
            said=first.said or "its bytes are not the ones that were published",
        )
        status: Status = "fail" if len(bad) >= count else "warn"
        return _finding(
            facts, "models", status, _MODELS, said, why, Text("Fetch it again; the damaged file is kept:")
        )
    return Finding(id="models", status="ok", title=_MODELS, summary=said)


def launch_file(facts: Facts, need: Requirements) -> Finding:
    """The launch file against what the tuning had chosen, and against the flags that this web UI knows."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has a launch file"
    name = FILE_NAMES["bat" if facts.system.family == "windows" else "sh"]
    file = parts.launch_file if parts else None
    said = Text("{name}", name=name)
    if (file is not None and not file.present) or not there.launch_files:
        why = Text("{name} is not there: the web UI would start without the settings of this card.", name=name)
        return _finding(
            facts, "launch-file", "fail", _LAUNCH_FILE, said, why, Text("Write it:"), "tune", "--apply"
        )
    if file is None:
        return Finding(id="launch-file", status="ok", title=_LAUNCH_FILE, summary=said)
    if file.problem is not None:
        why = Text("{problem}.", problem=file.problem)
        return _finding(
            facts, "launch-file", "warn", _LAUNCH_FILE, said, why, Text("Look at what can be told:"), "tune"
        )
    if file.unknown:
        why = Text(
            "This web UI does not know {flags}, and stops at a flag that it does not know.",
            flags=_some(file.unknown),
        )
        fix = Text("Correct its spelling in {name}, or have it taken out (the file as it was is kept):", name=name)
        return _finding(facts, "launch-file", "fail", _LAUNCH_FILE, said, why, fix)
    lost = lost_flags(file, facts.recorded)
    if lost:
        essential = any(flag.split(" ", 1)[0] in _ESSENTIAL for flag in lost)
        why = Text("It lacks {flags}, chosen for this card.", flags=_some(lost))
        return _finding(
            facts,
            "launch-file",
            "fail" if essential else "warn",
            _LAUNCH_FILE,
            said,
            why,
            Text("Write them again; your own flags stay:"),
        )
    for group in need.exclusive_flags:
        together = tuple(flag for flag in file.flags if flag in group)
        if len(together) > 1:
            why = Text("{flags} stand together, and only one of them counts.", flags=listed(list(together)))
            one = Fix(text=Text("Keep one of them in {name}.", name=name))
            return Finding(id="launch-file", status="warn", title=_LAUNCH_FILE, summary=said, why=why, fix=one)
    own = own_flags(file, facts.recorded)
    if own and facts.recorded is not None:
        said = Text("{name}; your own flags: {flags}", name=name, flags=_some(own))
    return Finding(id="launch-file", status="ok", title=_LAUNCH_FILE, summary=said)


def settings(facts: Facts, _need: Requirements) -> Finding:
    """config.json: the web UI moves one that it cannot read into a folder that may not be there, and ends."""
    state = facts.parts.settings if facts.parts else "absent"
    if state in ("empty", "damaged"):
        return _finding(
            facts,
            "settings",
            "fail",
            _SETTINGS,
            Text("config.json is {state}", state="empty" if state == "empty" else "cut or damaged"),
            Text("The web UI does not start with settings that it cannot read."),
            Text("Set it aside (it is kept); the web UI then begins with its defaults:"),
        )
    said = Text("config.json") if state == "good" else Text("none saved yet")
    return Finding(id="settings", status="ok", title=_SETTINGS, summary=said)


def last_run(facts: Facts, _need: Requirements) -> Finding:
    """A run of ours that was cut off, a start that failed, a web UI that runs now."""
    parts = facts.parts
    if parts is not None and parts.unfinished is not None and parts.running is None:
        words = parts.unfinished.words
        return Finding(
            id="last-run",
            status="warn",
            title=_LAST_RUN,
            summary=Text("started {began}, not finished", began=parts.unfinished.began[:16].replace("T", " ")),
            why=Text("It was cut off; what was finished is kept."),
            fix=Fix(text=Text("Continue with:"), command=Command("sdsetup", *words, family=facts.system.family)),
        )
    if parts is not None and parts.distrusted is not None:
        why = Text("The web UI did not start, or made no picture: {why}.", why=parts.distrusted.rstrip("."))
        return _finding(
            facts,
            "last-run",
            "fail",
            _LAST_RUN,
            Text("failed"),
            why,
            Text("Look through every file and make it good:"),
        )
    running = parts.running if parts else None
    if running is not None:
        ports = ", ".join(map(str, running.ports))
        said = Text("the web UI runs now{where}", where=f" on port {ports}" if ports else "")
        return Finding(id="last-run", status="ok", title=_LAST_RUN, summary=said)
    return Finding(id="last-run", status="ok", title=_LAST_RUN, summary=Text("nothing unfinished"))


def _finding(
    facts: Facts, id: str, status: Status, title: Text, summary: Text, why: Text, fix: Text, *words: str
) -> Finding:
    """With the command that makes it good: `sdsetup install` for this folder, unless `words` say otherwise."""
    # What only a deep look finds, only a deep look makes good.
    deep = ("--deep",) if facts.parts is not None and facts.parts.deep and not words else ()
    said = (*(words or ("install",)), *deep, "--dir", _place(facts))
    command = Command("sdsetup", *said, family=facts.system.family)
    return Finding(id=id, status=status, title=title, summary=summary, why=why, fix=Fix(text=fix, command=command))


def _place(facts: Facts) -> str:
    return facts.folder.path if facts.folder else "."


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
