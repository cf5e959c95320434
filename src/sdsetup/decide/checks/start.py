"""Checks of what a start of the web UI rests on beside its code: launch file, saved settings, the last run."""

from __future__ import annotations

from sdsetup.catalog.requirements import Requirements
from sdsetup.command import Command
from sdsetup.decide.checks.faulty import faulty
from sdsetup.decide.condition import lost_flags, own_flags
from sdsetup.launchfile import FILE_NAMES
from sdsetup.text import Text, all_of, message, some
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix

_LAUNCH_FILE = Text("Launch file")
_SETTINGS = Text("Settings")
_LAST_RUN = Text("Last run")
# Without these a machine that needs them has no start or no picture.
_ESSENTIAL = ("--skip-torch-cuda-test", "--no-half", "--use-cpu")


def launch_file(facts: Facts, need: Requirements) -> Finding:
    """The launch file against what the tuning had chosen, and against the flags that this web UI knows."""
    there, parts = facts.installation, facts.parts
    assert there is not None, "only an installation has a launch file"
    name = FILE_NAMES["bat" if facts.system.family == "windows" else "sh"]
    file = parts.launch_file if parts else None
    said = Text("{name}", name=name)
    if (file is not None and not file.present) or not there.launch_files:
        why = Text("{name} is not there: the web UI would start without the settings of this card.", name=name)
        return faulty(facts, "launch-file", "fail", _LAUNCH_FILE, said, why, Text("Write it:"), "tune", "--apply")
    if file is None:
        return Finding(id="launch-file", status="ok", title=_LAUNCH_FILE, summary=said)
    if file.problem is not None:
        why = Text("{problem}.", problem=file.problem)
        return faulty(
            facts, "launch-file", "warn", _LAUNCH_FILE, said, why, Text("Look at what can be told:"), "tune"
        )
    if file.unknown:
        why = Text(
            "This web UI does not know {flags}, and stops at a flag that it does not know.",
            flags=some(file.unknown),
        )
        fix = Text("Correct its spelling in {name}, or have it taken out (the file as it was is kept):", name=name)
        return faulty(facts, "launch-file", "fail", _LAUNCH_FILE, said, why, fix)
    lost = lost_flags(file, facts.recorded)
    if lost:
        essential = any(flag.split(" ", 1)[0] in _ESSENTIAL for flag in lost)
        why = Text("It lacks {flags}, chosen for this card.", flags=some(lost))
        return faulty(
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
            why = Text("{flags} stand together, and only one of them counts.", flags=all_of(together))
            one = Fix(text=Text("Keep one of them in {name}.", name=name))
            return Finding(id="launch-file", status="warn", title=_LAUNCH_FILE, summary=said, why=why, fix=one)
    own = own_flags(file, facts.recorded)
    if own and facts.recorded is not None:
        said = Text("{name}; your own flags: {flags}", name=name, flags=some(own))
    return Finding(id="launch-file", status="ok", title=_LAUNCH_FILE, summary=said)


def settings(facts: Facts, _need: Requirements) -> Finding:
    """config.json: the web UI moves one that it cannot read into a folder that may not be there, and ends."""
    state = facts.parts.settings if facts.parts else "absent"
    if state in ("empty", "damaged"):
        how = message("empty") if state == "empty" else message("cut or damaged")
        return faulty(
            facts,
            "settings",
            "fail",
            _SETTINGS,
            Text("config.json is {state}", state=how),
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
        return faulty(
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
        said = Text("the web UI runs now on port {ports}" if ports else "the web UI runs now", ports=ports)
        return Finding(id="last-run", status="ok", title=_LAST_RUN, summary=said)
    return Finding(id="last-run", status="ok", title=_LAST_RUN, summary=Text("nothing unfinished"))
