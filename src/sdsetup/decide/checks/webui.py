"""Checks of an installation that is there already: each part of it, by the judgement that `install` acts on."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.decide.checks.faulty import SHOWN, faulty, place_of
from sdsetup.decide.checks.wording import unanswered
from sdsetup.decide.condition import (
    PackageFault,
    checkout_at,
    damaged_models,
    environment_faults,
    missing_files,
    own_edits,
    owner_command,
)
from sdsetup.text import Listed, Text, all_of, message, some
from sdsetup.values.facts import Facts, Installation
from sdsetup.values.findings import Finding, Fix, Status

_WEBUI = Text("Web UI")
_ENVIRONMENT = Text("Environment")
_REPOSITORIES = Text("Repositories")
_MODELS = Text("Models")
_SHORT = 8


def webui(facts: Facts, _need: Requirements) -> Finding:
    """The checkout itself: its history, its owner, its files."""
    if found := unanswered(facts, "installation", "webui", _WEBUI):
        return found
    there = facts.installation
    if there is None:
        return Finding(id="webui", status="skip", title=_WEBUI, summary=Text("not installed in this folder"))
    commit = there.commit[:_SHORT] if there.commit else None
    said = Text(
        "{branch}at {commit}",
        branch=f"{there.branch} " if there.branch else "",
        commit=commit or message("no commit"),
    )
    checkout = checkout_at(facts.parts, "")
    foreign = facts.parts.foreign if facts.parts else ()
    if there.foreign_owner or foreign:
        return _foreign(facts, said, foreign)
    gone = tuple(dict.fromkeys((*(missing_files(checkout) if checkout else ()), *there.damaged_files)))
    if gone:
        return faulty(
            facts,
            "webui",
            "fail",
            _WEBUI,
            said,
            Text("Files of it are missing or damaged: {names}.", names=some(gone)),
            Text("Bring them back; nothing else changes:"),
        )
    if there.commit is None:
        return faulty(
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
        said = Text("{said}; changed by you: {names}", said=said, names=some(edits))
    return Finding(id="webui", status="ok", title=_WEBUI, summary=said)


def _foreign(facts: Facts, said: Text, parts: tuple[str, ...]) -> Finding:
    names = [name or message("the folder itself") for name in parts] or [message("the folder")]
    command = owner_command(place_of(facts), facts.system.family)
    return Finding(
        id="webui",
        status="fail",
        title=_WEBUI,
        summary=said,
        why=Text(
            "It belongs to another account ({names}), perhaps after one run with sudo: neither Git nor sdsetup "
            "can work in it.",
            names=all_of(names[:SHOWN]),
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
        return faulty(
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
        return faulty(facts, "environment", "fail", _ENVIRONMENT, said, why, Text("Continue the installation:"))
    faults = environment_faults(parts) if parts else ()
    if faults:
        stops = any(fault.stops for fault in faults)
        return faulty(
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
    python = f"Python {'.'.join(map(str, version))}" if version else message("no Python")
    return Text(
        "{python}, {torch}", python=python, torch=f"torch {there.torch}" if there.torch else message("no torch")
    )


def packages_said(faults: tuple[PackageFault, ...]) -> Text:
    """The first few faults of an environment and how many more there are."""
    first, more = Listed(fault.said for fault in faults[:SHOWN]), len(faults) - SHOWN
    if more <= 0:
        return Text("{first}", first=first)
    return Text.plural(
        "{first} and {count} more package", "{first} and {count} more packages", first=first, count=more
    )


def repositories(facts: Facts, need: Requirements) -> Finding:
    """The repositories that the web UI's code imports."""
    parts = facts.parts
    if parts is None:
        return Finding(id="repositories", status="skip", title=_REPOSITORIES, summary=Text("not looked at"))
    said, bad = [], []
    for name, commit in need.repositories:
        found = checkout_at(parts, f"repositories/{name}")
        if found is None or found.commit is None:
            bad.append(Text("{name} is not there" if found is None else "{name} is half cloned", name=name))
        elif gone := missing_files(found):
            bad.append(Text("{name} lacks {files}", name=name, files=some(gone)))
        elif found.commit != commit:
            said.append(name)
    count = len(need.repositories)
    if bad:
        why = Text("{bad}: the web UI cannot start.", bad=Listed(bad))
        return faulty(
            facts,
            "repositories",
            "fail",
            _REPOSITORIES,
            Text("{good} of {count} are whole", good=count - len(bad), count=count),
            why,
            Text("Bring back what is missing:"),
        )
    if said:
        return faulty(
            facts,
            "repositories",
            "warn",
            _REPOSITORIES,
            Text("{count} whole", count=count),
            Text.plural(
                "{names} is at another commit than the web UI asks for.",
                "{names} are at another commit than the web UI asks for.",
                names=some(tuple(said)),
                count=len(said),
            ),
            Text("Bring them to it:"),
        )
    return Finding(id="repositories", status="ok", title=_REPOSITORIES, summary=Text("{count} whole", count=count))


def models(facts: Facts, need: Requirements) -> Finding:
    """Whether there is a model that can be loaded."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has models"
    count = len(there.models)
    said = Text("none") if not count else Text("one") if count == 1 else Text("{count}", count=count)
    if not count:
        return faulty(
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
            said=first.said or message("its bytes are not the ones that were published"),
        )
        status: Status = "fail" if len(bad) >= count else "warn"
        return faulty(
            facts, "models", status, _MODELS, said, why, Text("Fetch it again; the damaged file is kept:")
        )
    return Finding(id="models", status="ok", title=_MODELS, summary=said)
