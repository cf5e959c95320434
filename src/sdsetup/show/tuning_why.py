"""One setting explained."""

from __future__ import annotations

from collections.abc import Iterator

from sdsetup.decide.tuning.why import Difference, Explanation
from sdsetup.show.screen import Screen, sentence
from sdsetup.show.tuning import subject
from sdsetup.show.words import say
from sdsetup.text import Listed, Message, Text, message
from sdsetup.values.facts import Facts
from sdsetup.values.tuning import Tuning


def show_why(told: Explanation, tuning: Tuning, facts: Facts, screen: Screen) -> None:
    """What it is set to and by whom, the reason and its source, what it does, what changes without it."""
    screen.line(_headline(told), "bold")
    screen.line(subject(tuning, facts), "quiet")
    screen.line()
    entries = list(_entries(told, tuning))
    room = max(len(say(label)) for label, _ in entries) + 1
    for label, said in entries:
        screen.field(label, said, room=room)
    source = told.reason.source if told.reason else told.meaning.source if told.meaning else ""
    if source:
        screen.field(message("source:"), "\n".join(source.split("; ")), "quiet", room=room)


def _entries(told: Explanation, tuning: Tuning) -> Iterator[tuple[Message, Text | str]]:
    if told.reason is not None:
        yield message("why:"), sentence(told.reason.because)
        yield message("set by:"), _author(told, tuning)
    elif told.set_by == "person":
        yield message("set by:"), Text("you, in your launch file, where it stays")
    else:
        yield message("why:"), Text("No rule asks for it on this PC.")
    if told.meaning is not None:
        effect = Text("the web UI {effect}.", effect=Text(told.meaning.effect))
        otherwise = Text("{without}.", without=Text(told.meaning.without))
        if told.set_by in ("nobody", "left-out"):
            # What it would do, and how it is: not two effects of one setting.
            yield message("if set:"), effect
            if told.set_by == "nobody":
                yield message("now:"), otherwise
        else:
            yield message("effect:"), effect
            yield message("without:"), otherwise
    others = [change for change in told.changes if change.theirs is not None or change.setting != told.setting]
    if others:
        yield message("instead:"), Text("{changes}", changes=Listed(map(_change, others)))
    if told.setting == "torch":
        yield from _about_torch(tuning)


def _about_torch(tuning: Tuning) -> Iterator[tuple[Message, Text | str]]:
    """What is tried if it does not run, and what the driver has to do with it."""
    if tuning.fallbacks:
        families = ", ".join(build.torch for build in tuning.fallbacks)
        yield message("next:"), Text("If it doesn't run on the graphics card: {families}", families=families)
    for warning in tuning.warnings:
        if warning.topic == "driver":
            yield message("driver:"), sentence(warning.text)


def _headline(told: Explanation) -> Text:
    name = told.setting
    if told.set_by == "nobody":
        return Text("{name} is not set", name=name)
    if told.set_by == "left-out":
        return Text("{name} is not used on purpose", name=name)
    if not told.value:
        return Text("{name} is set", name=name)
    if name.startswith("--"):
        return Text("{name} {value} is set", name=name, value=told.value)
    return Text("{name} is {value}", name=name, value=told.value)


def _author(told: Explanation, tuning: Tuning) -> Text:
    assert told.reason is not None
    if told.set_by == "seen-here":
        return Text("sdsetup, after a test on this PC")
    return Text("rule {rule} in the profile {profile}", rule=told.reason.rule, profile=tuning.profile)


def _change(change: Difference) -> Text:
    if change.theirs is None:
        return Text("{setting} removed", setting=change.setting)
    if change.mine is None:
        if not change.theirs:
            return Text("{setting} instead", setting=change.setting)
        return Text("{setting} {value}", setting=change.setting, value=change.theirs)
    return Text(
        "{setting} {value} instead of {other}", setting=change.setting, value=change.theirs, other=change.mine
    )
