"""The screen and the document of `status`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.show.words import say, size
from sdsetup.text import Listed, Text
from sdsetup.values.status import InstallationStatus, Outside

SCHEMA = "sdsetup.status/1"
_SIZE = Text("Size")
_WHAT = {
    "cache": Text("packages and downloads that can be had again"),
    "tools": Text("Python and Git that were brought"),
    "log": Text("logs of earlier runs"),
    "packages": Text("packages, shared with your other uses of uv"),
}


def show_status(found: Sequence[InstallationStatus], outside: Sequence[Outside], screen: Screen) -> None:
    if not found:
        screen.line(Text("No installation is known on this PC."))
        screen.line(Text("Make one: {command}", command=Command("sdsetup", "install")), "hint")
    for number, one in enumerate(found):
        if number:
            screen.line()
        _show_one(one, screen)
    if outside:
        screen.line()
        screen.heading(Text("Outside of the installations"))
    for place in outside:
        said = Text("{size}  {path}", size=size(place.bytes), path=place.path)
        screen.line(said, indent=2)
        screen.line(Text("{what}", what=_WHAT[place.what]), "quiet", indent=4)


def _show_one(one: InstallationStatus, screen: Screen) -> None:
    screen.heading(Text("{dir} (a practice run)" if one.practice else "{dir}", dir=one.dir))
    at = " ".join(word for word in (one.tag, f"({one.commit[:8]})" if one.commit else None) if word)
    lines: dict[Text, Text | str] = {
        Text("Web UI"): _version(at, one.branch),
        Text("Environment"): f"torch {one.torch or '?'}, Python {one.python}"
        if one.python
        else Text("none that is whole"),
        Text("Made for"): one.card
        or (Text("the processor") if one.made_here else Text("not known: not made by sdsetup")),
        Text("Models"): _named(one.models),
        Text("Flags"): " ".join(one.flags) or Text("none"),
        Text("Last start"): _moment(one.last_start),
        Text("Last picture"): _moment(one.last_picture),
    }
    if one.running is not None:
        ports = ", ".join(map(str, one.running))
        lines[Text("Running")] = Text("now, on port {ports}", ports=ports) if ports else Text("now")
    room = max(len(say(name)) for name in (*lines, _SIZE)) + 1
    for name, said in lines.items():
        screen.line(Text("{name} {said}", name=f"{say(name):<{room}}", said=said), indent=2)
    if one.sizes is not None:
        sizes = one.sizes
        screen.line(
            Text(
                "{name} {total}: environment {environment}, models {models}, pictures {pictures}, kept {kept}",
                name=f"{say(_SIZE):<{room}}",
                total=size(sizes.total),
                environment=size(sizes.environment),
                models=size(sizes.models),
                pictures=size(sizes.pictures),
                kept=size(sizes.kept),
            ),
            indent=2,
        )
    for outdated in one.outdated:
        screen.line(Text("{mark} {said}", mark=screen.mark("warn"), said=outdated), "warn", indent=2)
    if one.unfinished:
        go_on = Command("sdsetup", "install", "--dir", one.dir)
        screen.line(Text("{mark} not finished: {go_on}", mark=screen.mark("warn"), go_on=go_on), "warn", indent=2)


def _version(at: str, branch: str | None) -> Text:
    name = Text("{at}", at=at) if at else Text("no commit")
    return Text("{version} on {branch}", version=name, branch=branch) if branch else name


def _named(models: Sequence[str]) -> Text:
    first, more = Listed(models[:3]), len(models) - 3
    if not models:
        return Text("none")
    return Text("{first} and {count} more", first=first, count=more) if more > 0 else Text("{first}", first=first)


def _moment(at: str | None) -> Text:
    return Text("{at} UTC", at=at[:16].replace("T", " ")) if at else Text("not by sdsetup so far")


def status_json(found: Sequence[InstallationStatus], outside: Sequence[Outside]) -> dict[str, Any]:
    """Sizes in bytes, times in UTC; unknown is null."""
    return {
        "schema": SCHEMA,
        "installations": [_one_json(one) for one in found],
        "outside": [{"what": one.what, "path": one.path, "bytes": one.bytes} for one in outside],
    }


def _one_json(one: InstallationStatus) -> dict[str, Any]:
    sizes = one.sizes
    return {
        "dir": one.dir,
        "practice": one.practice,
        "commit": one.commit,
        "tag": one.tag,
        "branch": one.branch,
        "torch": one.torch,
        "python": one.python,
        "card": one.card,
        "made_here": one.made_here,
        "models": list(one.models),
        "flags": list(one.flags),
        "bytes": None
        if sizes is None
        else {
            "environment": sizes.environment,
            "repositories": sizes.repositories,
            "models": sizes.models,
            "pictures": sizes.pictures,
            "kept": sizes.kept,
            "total": sizes.total,
        },
        "last_start": one.last_start,
        "last_picture": one.last_picture,
        "running": None if one.running is None else {"ports": list(one.running)},
        "unfinished": one.unfinished,
        "outdated": [str(text) for text in one.outdated],
    }
