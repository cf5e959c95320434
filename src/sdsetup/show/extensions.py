"""Extensions on a screen and as JSON: the list, what fights the pinned packages, and what a search found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sdsetup.command import Command
from sdsetup.decide.bisection import BisectionResult
from sdsetup.show.screen import Screen
from sdsetup.show.words import duration, room_for
from sdsetup.text import Text, message
from sdsetup.values.extensions import Extension, Extensions

SCHEMA = "sdsetup.extensions/1"
BISECT_SCHEMA = "sdsetup.bisect/1"


class Start(Protocol):
    """What is shown of one start."""

    @property
    def started(self) -> bool: ...
    @property
    def seconds(self) -> float: ...
    @property
    def log(self) -> str | None: ...
    @property
    def last(self) -> str: ...


def show_extensions(there: Extensions, folder: Path, screen: Screen) -> None:
    """Each extension with its state, commit and address."""
    if not there.found:
        screen.line(Text("No extensions in {folder}", folder=folder))
        return
    screen.heading(Text("Extensions in {folder}", folder=folder))
    if there.switched_off:
        screen.line(Text("All extensions are turned off in the web UI's settings."), "warn", indent=2)
    on, off = message("on"), message("off")
    room = room_for((on, off)) + 1
    for one in there.found:
        state = on if one.enabled and not there.switched_off else off
        screen.field(state, Text("{name}  {what}", name=one.name, what=_origin(one)), room=room)


def show_fights(there: Extensions, folder: Path, screen: Screen) -> None:
    """What fights the pinned packages."""
    fighting = [one for one in there.found if one.fights]
    for one in fighting:
        screen.line(Text("{mark} {name}", mark=screen.mark("warn"), name=one.name), "warn")
        for fight in one.fights:
            screen.line(
                Text(
                    "needs {wants}, but the web UI needs {package} {pinned}",
                    wants=fight.wants,
                    package=fight.package,
                    pinned=fight.pinned,
                ),
                indent=4,
            )
    if there.replaced:
        screen.line(Text("{mark} Packages changed since installation:", mark=screen.mark("warn")), "warn")
        for name, (was, now) in there.replaced.items():
            screen.line(Text("{name}: {was} was installed, now {now}", name=name, was=was, now=now), indent=4)
    if not fighting and not there.replaced:
        screen.line(Text("{mark} No conflicts between extensions and the web UI", mark=screen.mark("ok")), "ok")
    elif fighting:
        screen.line(Text("Turn an extension off:"))
        disable = ("sdsetup", "extensions", "disable", fighting[0].name, "--dir", folder)
        screen.command(Command(*disable), indent=2)


def extensions_json(there: Extensions, folder: Path) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "dir": str(folder),
        "switched_off": there.switched_off,
        "extensions": [
            {
                "name": one.name,
                "path": one.path,
                "enabled": one.enabled and not there.switched_off,
                "commit": one.commit,
                "branch": one.branch,
                "remote": one.remote,
                "fights": [{"package": f.package, "wants": f.wants, "pinned": f.pinned} for f in one.fights],
                "unread": list(one.unread),
            }
            for one in there.found
        ],
        "replaced": [{"package": name, "was": was, "now": now} for name, (was, now) in there.replaced.items()],
    }


def show_search_plan(names: Sequence[str], most: int, screen: Screen) -> None:
    screen.heading(Text("Find the extension that breaks the web UI"))
    screen.line(Text("{count} extensions: {names}", count=len(names), names=", ".join(names)), indent=2)
    screen.line(
        Text("Starts the web UI up to {most} times with some of them. Your settings don't change.", most=most),
        indent=2,
    )


def show_start(number: int, on: Sequence[str], screen: Screen) -> None:
    screen.line(
        Text("Start {number}, with {names}", number=number, names=", ".join(on) or message("no extensions"))
    )


def show_started(start: Start, screen: Screen) -> None:
    if start.started:
        screen.line(
            Text("{mark} Started in {time}", mark=screen.mark("ok"), time=duration(start.seconds)),
            "ok",
            indent=2,
        )
    else:
        screen.line(
            Text("{mark} Did not start: {last}", mark=screen.mark("fail"), last=start.last), "fail", indent=2
        )


def show_verdict(verdict: BisectionResult, folder: Path, screen: Screen) -> None:
    """The answer, and one thing to do."""
    screen.line()
    if verdict.none_breaks:
        screen.line(
            Text("{mark} The web UI starts with all your extensions.", mark=screen.mark("ok")),
            "ok",
        )
        return
    if verdict.not_extensions:
        screen.line(
            Text("{mark} The web UI doesn't start without extensions, either.", mark=screen.mark("fail")), "fail"
        )
        screen.line(Text("Check the installation:"))
        screen.command(Command("sdsetup", "doctor", "--dir", folder), indent=2)
        return
    names = ", ".join(verdict.guilty)
    told = (
        Text("{mark} {names} keeps the web UI from starting.", mark=screen.mark("fail"), names=names)
        if len(verdict.guilty) == 1
        else Text("{mark} These keep the web UI from starting: {names}", mark=screen.mark("fail"), names=names)
    )
    screen.line(told, "fail")
    screen.line(Text("Turn it off; its files stay:") if len(verdict.guilty) == 1 else Text("Turn them off:"))
    screen.command(Command("sdsetup", "extensions", "disable", *verdict.guilty, "--dir", folder), indent=2)


def verdict_json(
    verdict: BisectionResult, folder: Path, starts: Sequence[tuple[Sequence[str], Start]]
) -> dict[str, Any]:
    return {
        "schema": BISECT_SCHEMA,
        "dir": str(folder),
        "guilty": list(verdict.guilty),
        "none_breaks": verdict.none_breaks,
        "not_extensions": verdict.not_extensions,
        "starts": [
            {"on": list(on), "started": one.started, "seconds": one.seconds, "log": one.log, "last": one.last}
            for on, one in starts
        ],
    }


def switched_json(names: Sequence[str], *, off: bool, changed: bool) -> dict[str, Any]:
    return {"schema": "sdsetup.extensions-switched/1", "names": list(names), "off": off, "changed": changed}


def show_switched(names: Sequence[str], *, off: bool, backup: Path | None, changed: bool, screen: Screen) -> None:
    what = ", ".join(names)
    mark = screen.mark("ok")
    if not changed:
        already = Text("{names}: already off.", names=what) if off else Text("{names}: already on.", names=what)
        screen.line(already)
        return
    turned = (
        Text("{mark} Turned off: {names}. Restart the web UI.", mark=mark, names=what)
        if off
        else Text("{mark} Turned on: {names}. Restart the web UI.", mark=mark, names=what)
    )
    screen.line(turned, "ok")
    if backup is not None:
        screen.line(Text("Backup of the previous settings: {path}", path=backup), "quiet", indent=2)


def _origin(one: Extension) -> Text:
    if one.commit is None:
        return Text("not a Git clone")
    return Text("{commit} {remote}", commit=one.commit[:8], remote=one.remote or message("no remote address"))
