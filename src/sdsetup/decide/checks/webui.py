"""Checks of an existing installation: each part of it, by the same judgment that `install` acts on."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import SHOWN, faulty, place_of, unanswered
from sdsetup.decide.condition import (
    checkout_at,
    damaged_models,
    environment_elsewhere,
    environment_faults,
    missing_files,
    own_edits,
    owner_command,
)
from sdsetup.text import Listed, Text, message, some
from sdsetup.values.facts import Facts, Installation
from sdsetup.values.findings import Finding, Fix, Status

_WEBUI = Text("Web UI")
_ENVIRONMENT = Text("Python environment")
_REPOSITORIES = Text("Components")
_MODELS = Text("Models")
_SHORT = 8


def webui(facts: Facts, _need: Requirements) -> Finding:
    """The checkout itself: its history, its owner, its files."""
    if found := unanswered(facts, "installation", "webui", _WEBUI):
        return found
    there = facts.installation
    if there is None:
        return Finding(id="webui", status="skip", title=_WEBUI, summary=Text("not installed in this folder"))
    said = _version_of(there)
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
            Text("Files are missing or damaged: {names}.", names=some(gone)),
            Text("Restore them (nothing else changes):"),
        )
    if there.commit is None:
        return faulty(
            facts,
            "webui",
            "warn",
            _WEBUI,
            said,
            Text("The Git history is missing or damaged: an unpacked archive, or an interrupted download."),
            Text("Restore it (your files and settings stay):"),
        )
    edits = own_edits(checkout) if checkout else ()
    if edits:
        said = Text("{said}; files changed by you: {names}", said=said, names=some(edits))
    return Finding(id="webui", status="ok", title=_WEBUI, summary=said)


def _version_of(there: Installation) -> Text:
    if there.commit is None:
        return Text("no Git history")
    commit = there.commit[:_SHORT]
    if there.branch is None:
        return Text("commit {commit}", commit=commit)
    return Text("{branch}, commit {commit}", branch=there.branch, commit=commit)


def _foreign(facts: Facts, said: Text, parts: tuple[str, ...]) -> Finding:
    names = [name or message("the install folder") for name in parts or ("",)]
    command = owner_command(place_of(facts), facts.system.family)
    return Finding(
        id="webui",
        status="fail",
        title=_WEBUI,
        summary=said,
        why=Text(
            "Files belong to another account, possibly after a run with sudo, so they can't be updated: {names}.",
            names=Listed(names[:SHOWN]),
        ),
        fix=Fix(text=Text("Make your account the owner:"), command=command),
    )


def environment(facts: Facts, _need: Requirements) -> Finding:
    """Whether venv has what it needs to start, and the packages that were locked."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has an environment"
    said, elsewhere = _environment_said(there), environment_elsewhere(facts)
    if elsewhere is not None:
        variable, folder = elsewhere
        said = Text(
            "{said}; in {folder} ({variable} in the launch file)", said=said, folder=folder, variable=variable
        )
    if there.environment_broken is not None:
        why = Text("The Python environment is damaged: {why}.", why=there.environment_broken.rstrip("."))
        return faulty(
            facts,
            "environment",
            "fail",
            _ENVIRONMENT,
            said,
            why,
            _own_again(facts) or Text("Rebuild it (models, images, and settings stay):"),
        )
    if there.environment_python is None or there.torch is None:
        why = Text("The Python environment is incomplete, so the web UI can't start.")
        return faulty(
            facts,
            "environment",
            "fail",
            _ENVIRONMENT,
            said,
            why,
            _own_again(facts) or Text("Continue the installation:"),
        )
    faults = environment_faults(parts) if parts else ()
    if faults:
        stops = any(fault.stops for fault in faults)
        return faulty(
            facts,
            "environment",
            "fail" if stops else "warn",
            _ENVIRONMENT,
            said,
            Text("{faults}.", faults=some([fault.said for fault in faults])),
            _own_again(facts) or Text("Restore those packages (everything else stays):"),
        )
    if parts is not None and parts.locked is None:
        said = Text("{said}; not created by sdsetup, so packages aren't checked", said=said)
    return Finding(id="environment", status="ok", title=_ENVIRONMENT, summary=said)


def _own_again(facts: Facts) -> Text | None:
    """The fix where the damaged environment is one that the launch file names: nothing is changed in it."""
    elsewhere = environment_elsewhere(facts)
    if elsewhere is None:
        return None
    return Text(
        "Remove {variable} from the launch file (a backup is kept) and use sdsetup's own environment:",
        variable=elsewhere[0],
    )


def _environment_said(there: Installation) -> Text:
    version = ".".join(map(str, there.environment_python)) if there.environment_python else None
    if version and there.torch:
        return Text("Python {version}, PyTorch {torch}", version=version, torch=there.torch)
    return Text("Python {version}, no PyTorch", version=version) if version else Text("no Python")


def repositories(facts: Facts, need: Requirements) -> Finding:
    """The repositories that the web UI's code imports."""
    parts = facts.parts
    if parts is None:
        return Finding(id="repositories", status="skip", title=_REPOSITORIES, summary=Text("not checked"))
    said: list[str] = []
    bad: list[Text] = []
    for name, commit in need.repositories:
        found = checkout_at(parts, f"repositories/{name}")
        if found is None or found.commit is None:
            bad.append(Text("{name} is missing" if found is None else "{name} is incomplete", name=name))
        elif gone := missing_files(found):
            bad.append(Text("{name} lacks {files}", name=name, files=some(gone)))
        elif found.commit != commit:
            said.append(name)
    count = len(need.repositories)
    if bad:
        why = Text("The web UI can't start: {problems}.", problems=Listed(bad))
        return faulty(
            facts,
            "repositories",
            "fail",
            _REPOSITORIES,
            Text("{good} of {count} complete", good=count - len(bad), count=count),
            why,
            Text("Restore what is missing:"),
        )
    if said:
        return faulty(
            facts,
            "repositories",
            "warn",
            _REPOSITORIES,
            Text("{count} complete", count=count),
            Text("The web UI needs another version of: {names}.", names=some(tuple(said))),
            Text("Switch to the needed version:"),
        )
    return Finding(
        id="repositories", status="ok", title=_REPOSITORIES, summary=Text("{count} complete", count=count)
    )


def models(facts: Facts, need: Requirements) -> Finding:
    """Whether there is a model that can be loaded."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has models"
    count = len(there.models)
    said = Text("{count}", count=count) if count else Text("none")
    if not count:
        return faulty(
            facts,
            "models",
            "warn",
            _MODELS,
            said,
            Text("The web UI needs a model to create images."),
            Text("Download one:"),
        )
    bad = damaged_models(parts, need.model_hashes) if parts else ()
    if bad:
        first = bad[0]
        why = Text(
            "{name}: {said}.",
            name=first.name,
            said=first.said or message("the file differs from the published one"),
        )
        status: Status = "fail" if len(bad) >= count else "warn"
        return faulty(
            facts, "models", status, _MODELS, said, why, Text("Download it again (the damaged file is kept):")
        )
    # Without our record the files may lie in the hub's own cache, where the web UI finds them as well.
    lost = tuple(name for name in need.text_encoder if name not in (parts.text_encoder or ())) if parts else ()
    if lost and facts.recorded is not None and parts is not None and parts.text_encoder is not None:
        return faulty(
            facts,
            "models",
            "warn",
            _MODELS,
            said,
            Text(
                "Text encoder files are missing, and no model loads while their server is down: {names}.",
                names=some(lost),
            ),
            Text("Restore them:"),
        )
    return Finding(id="models", status="ok", title=_MODELS, summary=said)
