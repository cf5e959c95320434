"""Checks of what the web UI needs to start besides its code: launch file, saved settings, the last run."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.command import Command
from sdsetup.decide.checks.wording import faulty
from sdsetup.decide.condition import lost_flags, own_flags
from sdsetup.launchfile import FILE_NAMES
from sdsetup.text import Listed, Text, some
from sdsetup.values.contents import LaunchFileState
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix, Status

_LAUNCH_FILE = Text("Launch file")
_SETTINGS = Text("Settings")
_LAST_RUN = Text("Last run")
# A machine that needs these can't start or create an image without them.
_ESSENTIAL = ("--skip-torch-cuda-test", "--no-half", "--use-cpu")


def launch_file(facts: Facts, need: Requirements) -> Finding:
    """The launch file compared with the flags that the tuning chose and the flags that this web UI knows."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has a launch file"
    name = FILE_NAMES["bat" if facts.system.family == "windows" else "sh"]
    file = parts.launch_file if parts else None
    said = Text("{name}", name=name)
    if (file is not None and not file.present) or not there.launch_files:
        why = Text("{name} is missing: the web UI would start without the settings for this card.", name=name)
        return faulty(facts, "launch-file", "fail", _LAUNCH_FILE, said, why, Text("Create it:"), "tune", "--apply")
    if file is None:
        return Finding(id="launch-file", status="ok", title=_LAUNCH_FILE, summary=said)
    if file.problem is not None:
        why = Text("{problem}.", problem=file.problem)
        return faulty(
            facts, "launch-file", "warn", _LAUNCH_FILE, said, why, Text("See the recommended settings:"), "tune"
        )
    wrong = (
        _stops_the_start(facts, file, name) or _lacks_flags(facts, file, name) or _flags_conflict(file, name, need)
    )
    if wrong is not None:
        return wrong
    own = own_flags(file, facts.recorded)
    if own and facts.recorded is not None:
        said = Text("{name}; your own flags: {flags}", name=name, flags=some(own))
    return Finding(id="launch-file", status="ok", title=_LAUNCH_FILE, summary=said)


def _stops_the_start(facts: Facts, file: LaunchFileState, name: str) -> Finding | None:
    """A line with which the web UI does not start."""
    if file.unknown:
        why = Text("The web UI won't start: it doesn't recognize {flags}.", flags=some(file.unknown))
        fix = Text("Correct the spelling in {name}, or let sdsetup remove it (a backup is kept):", name=name)
    elif file.no_environment is not None:
        variable, folder = file.no_environment
        why = Text(
            "The web UI won't start: {variable} leads to {folder}, which has no Python environment.",
            variable=variable,
            folder=folder,
        )
        fix = Text("Correct that line in {name}, or let sdsetup remove it (a backup is kept):", name=name)
    else:
        return None
    return faulty(facts, "launch-file", "fail", _LAUNCH_FILE, Text("{name}", name=name), why, fix)


def _lacks_flags(facts: Facts, file: LaunchFileState, name: str) -> Finding | None:
    """Flags that were chosen for this card and are no longer in the file."""
    lost = lost_flags(file, facts.recorded)
    if not lost:
        return None
    essential = any(flag.split(" ", 1)[0] in _ESSENTIAL for flag in lost)
    why = Text("Flags for this card are missing: {flags}.", flags=some(lost))
    fix = Text("Add them again (your own flags stay):")
    status: Status = "fail" if essential else "warn"
    return faulty(facts, "launch-file", status, _LAUNCH_FILE, Text("{name}", name=name), why, fix)


def _flags_conflict(file: LaunchFileState, name: str, need: Requirements) -> Finding | None:
    """Flags of which only one takes effect."""
    for group in need.exclusive_flags:
        together = tuple(flag for flag in file.flags if flag in group)
        if len(together) > 1:
            return Finding(
                id="launch-file",
                status="warn",
                title=_LAUNCH_FILE,
                summary=Text("{name}", name=name),
                why=Text(
                    "These flags conflict, and only one of them takes effect: {flags}.", flags=Listed(together)
                ),
                fix=Fix(text=Text("Keep one of them in {name}.", name=name)),
            )
    return None


def settings(facts: Facts, _need: Requirements) -> Finding:
    """config.json: the web UI moves an unreadable one into a folder that may not exist, and exits."""
    state = facts.parts.settings if facts.parts else "absent"
    if state in ("empty", "damaged"):
        return faulty(
            facts,
            "settings",
            "fail",
            _SETTINGS,
            Text("config.json is empty") if state == "empty" else Text("config.json is damaged"),
            Text("The web UI won't start because it can't read its settings."),
            Text("Reset the settings to their defaults (a backup is kept):"),
        )
    said = Text("config.json") if state == "good" else Text("none saved yet")
    return Finding(id="settings", status="ok", title=_SETTINGS, summary=said)


def last_run(facts: Facts, _need: Requirements) -> Finding:
    """A run of sdsetup that was interrupted, a start that failed, a web UI that is running."""
    parts = facts.parts
    if parts is not None and parts.unfinished is not None and parts.running is None:
        words = parts.unfinished.words
        return Finding(
            id="last-run",
            status="warn",
            title=_LAST_RUN,
            summary=Text("not finished (started {began})", began=parts.unfinished.began[:16].replace("T", " ")),
            why=Text("sdsetup was interrupted. Completed steps are kept."),
            fix=Fix(text=Text("Continue:"), command=Command("sdsetup", *words, family=facts.system.family)),
        )
    if parts is not None and parts.distrusted is not None:
        why = Text("The web UI didn't start or didn't create an image: {why}.", why=parts.distrusted.rstrip("."))
        return faulty(
            facts,
            "last-run",
            "fail",
            _LAST_RUN,
            Text("failed"),
            why,
            Text("Check every file and fix what is damaged:"),
        )
    running = parts.running if parts else None
    if running is not None:
        ports = ", ".join(map(str, running.ports))
        said = Text("web UI running on port {ports}" if ports else "web UI running", ports=ports)
        return Finding(id="last-run", status="ok", title=_LAST_RUN, summary=said)
    if parts is not None and parts.begun_update is not None and facts.folder is not None:
        command = Command("sdsetup", "update", "--dir", facts.folder.path, family=facts.system.family)
        return Finding(
            id="last-run",
            status="warn",
            title=_LAST_RUN,
            summary=Text("update not finished (started {began})", began=parts.begun_update[:16].replace("T", " ")),
            why=Text("An update of the web UI was interrupted. The present version is unchanged."),
            fix=Fix(text=Text("Continue, or remove what it left:"), command=command),
        )
    return Finding(id="last-run", status="ok", title=_LAST_RUN, summary=Text("no unfinished run"))
