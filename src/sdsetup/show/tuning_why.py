"""One setting explained."""

from __future__ import annotations

from sdsetup.decide.tuning.compare import Difference
from sdsetup.decide.tuning.why import Explanation
from sdsetup.show.screen import STYLES, Screen
from sdsetup.show.tuning import sentence, subject
from sdsetup.show.words import say
from sdsetup.text import Listed, Text
from sdsetup.values.facts import Facts
from sdsetup.values.tuning import Tuning


def show_why(told: Explanation, tuning: Tuning, facts: Facts, screen: Screen) -> None:
    """What it is set to and by whom, the reason and its source, what it does, what changes without it."""
    screen.line(_headline(told), "bold")
    screen.line(subject(tuning, facts), "quiet")
    screen.line()
    if told.reason is not None:
        _entry(screen, Text("why"), sentence(told.reason.because))
        _entry(screen, Text("by"), _author(told, tuning))
    elif told.set_by == "person":
        _entry(screen, Text("by"), Text("you: it is in your launch file, and stays there"))
    else:
        _entry(screen, Text("why"), Text("no rule speaks of it for this machine"))
    if told.meaning is not None:
        _entry(screen, Text("with it"), Text("the web UI {effect}.", effect=Text(told.meaning.effect)))
        _entry(screen, Text("without"), Text("{without}.", without=Text(told.meaning.without)))
    if told.changes:
        changes = Listed(_change(change) for change in told.changes)
        _entry(screen, Text("rule off"), Text("without the rule: {changes}.", changes=changes))
    if told.setting == "torch":
        _about_torch(tuning, screen)
    source = told.reason.source if told.reason else told.meaning.source if told.meaning else ""
    for address in source.split("; ") if source else ():
        screen.command(f"  {say(Text('source')):<8}  {address}")


def _about_torch(tuning: Tuning, screen: Screen) -> None:
    """What is tried if it does not run, and what the driver has to do with it."""
    if tuning.fallbacks:
        families = ", ".join(build.torch for build in tuning.fallbacks)
        _entry(
            screen, Text("then"), Text("if it does not run on the card after all: {families}", families=families)
        )
    for warning in tuning.warnings:
        if warning.topic == "driver":
            _entry(screen, Text("driver"), sentence(warning.text))


def _headline(told: Explanation) -> Text:
    name = told.setting
    if told.set_by == "nobody":
        return Text("{name} is not set", name=name)
    if told.set_by == "left-out":
        return Text("{name} is left out on purpose", name=name)
    if not told.value:
        return Text("{name} is set", name=name)
    if name.startswith("--"):
        return Text("{name} {value} is set", name=name, value=told.value)
    return Text("{name} is {value}", name=name, value=told.value)


def _author(told: Explanation, tuning: Tuning) -> Text:
    assert told.reason is not None
    if told.set_by == "seen-here":
        return Text("what was seen on this machine")
    return Text("rule {rule} of the profile {profile}", rule=told.reason.rule, profile=tuning.profile)


def _change(change: Difference) -> Text:
    if change.theirs is None:
        return Text("no {setting}", setting=change.setting)
    if change.mine is None:
        if not change.theirs:
            return Text("{setting} instead", setting=change.setting)
        return Text("{setting} {value}", setting=change.setting, value=change.theirs)
    return Text(
        "{setting} {value} instead of {other}", setting=change.setting, value=change.theirs, other=change.mine
    )


def _entry(screen: Screen, label: Text, said: Text | str) -> None:
    """A label and its text, folded beside it."""
    from rich.table import Table
    from rich.text import Text as Line

    row = Table.grid(padding=(0, 2, 0, 2))
    row.add_column(width=8)
    row.add_column(overflow="fold")
    row.add_row(Line(say(label), style=STYLES["quiet"]), Line(say(said)))
    screen.table(row)
