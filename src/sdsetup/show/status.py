"""The screen and the document of `status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.show.words import say, size
from sdsetup.text import Listed, Text


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes of the parts of an installation. An environment made of links shares its files with the cache."""

    environment: int
    repositories: int
    models: int
    pictures: int
    kept: int  # what sdsetup set aside in .sdsetup
    total: int


@dataclass(frozen=True, kw_only=True)
class InstallationStatus:
    """Unknown is None; times are ISO 8601 in UTC. `outdated`: what is not the newest that we know."""

    dir: str
    practice: bool = False
    commit: str | None = None
    tag: str | None = None
    branch: str | None = None
    torch: str | None = None
    python: str | None = None
    card: str | None = None
    made_here: bool = True
    models: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    sizes: Sizes | None = None
    last_start: str | None = None
    last_picture: str | None = None
    running: tuple[int, ...] | None = None  # ports, None when it does not run
    unfinished: bool = False
    shortcuts: tuple[str, ...] = ()  # files that start it from the menu or the desktop
    outdated: tuple[Text, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A folder of ours outside of every installation, and the bytes in it."""

    what: str  # cache, tools, log, packages
    path: str
    bytes: int


SCHEMA = "sdsetup.status/1"
_SIZE = Text("Size")
_WHAT = {
    "cache": Text("Download cache (safe to delete)"),
    "tools": Text("Python and Git downloaded by sdsetup"),
    "log": Text("Logs of earlier runs"),
    "packages": Text("Packages, shared with other programs that use uv"),
}


def show_status(found: Sequence[InstallationStatus], outside: Sequence[Outside], screen: Screen) -> None:
    if not found:
        screen.line(Text("No installations found on this PC"))
        screen.line(Text("Install the web UI: {command}", command=Command("sdsetup", "install")), "hint")
    for number, one in enumerate(found):
        if number:
            screen.line()
        _show_one(one, screen)
    if outside:
        screen.line()
        screen.line(Text("Outside the install folders"), "bold")
    for place in outside:
        said = Text("{what}: {size}", what=_WHAT[place.what], size=size(place.bytes))
        screen.line(said, indent=2)
        screen.line(str(place.path), "quiet", indent=4)


def _show_one(one: InstallationStatus, screen: Screen) -> None:
    screen.heading(Text("{dir} (practice run)" if one.practice else "{dir}", dir=one.dir))
    at = " ".join(word for word in (one.tag, f"({one.commit[:8]})" if one.commit else None) if word)
    lines: dict[Text, Text | str] = {
        Text("Web UI"): _version(at, one.branch),
        Text("Environment"): f"torch {one.torch or '?'}, Python {one.python}"
        if one.python
        else Text("none that works"),
        Text("Made for"): one.card
        or (Text("CPU") if one.made_here else Text("unknown (not installed by sdsetup)")),
        Text("Models"): _named(one.models),
        Text("Flags"): " ".join(one.flags) or Text("none"),
        Text("Last start"): _moment(one.last_start),
        Text("Test image"): _moment(one.last_picture),
    }
    if not one.practice:
        lines[Text("Shortcut")] = Text("{files}", files=Listed(one.shortcuts)) if one.shortcuts else Text("none")
    if one.running is not None:
        ports = ", ".join(map(str, one.running))
        lines[Text("Running")] = Text("now, on port {ports}", ports=ports) if ports else Text("now")
    room = max(len(say(name)) for name in (*lines, _SIZE)) + 1
    for name, said in lines.items():
        screen.field(say(name), said, room=room)
    if one.sizes is not None:
        sizes = one.sizes
        said = Text(
            "{total}: environment {environment}, models {models}, images {images}, backups {kept}",
            total=size(sizes.total),
            environment=size(sizes.environment),
            models=size(sizes.models),
            images=size(sizes.pictures),
            kept=size(sizes.kept),
        )
        screen.field(say(_SIZE), said, room=room)
    if not one.shortcuts and not one.practice:
        screen.line(Text("To start it from the menu of programs:"), "quiet", indent=2)
        screen.command(Command("sdsetup", "shortcut", "--dir", one.dir), indent=4)
    for outdated in one.outdated:
        screen.line(Text("{mark} {said}", mark=screen.mark("warn"), said=outdated), "warn", indent=2)
    if one.unfinished:
        go_on = Command("sdsetup", "install", "--dir", one.dir)
        said = Text("{mark} Not finished. Continue with: {command}", mark=screen.mark("warn"), command=go_on)
        screen.line(said, "warn", indent=2)


def _version(at: str, branch: str | None) -> Text:
    name = Text("{at}", at=at) if at else Text("no commit")
    return Text("{version} on {branch}", version=name, branch=branch) if branch else name


def _named(models: Sequence[str]) -> Text:
    first, more = Listed(models[:3]), len(models) - 3
    if not models:
        return Text("none")
    return Text("{first} and {count} more", first=first, count=more) if more > 0 else Text("{first}", first=first)


def _moment(at: str | None) -> Text:
    return Text("{at} UTC", at=at[:16].replace("T", " ")) if at else Text("not by sdsetup yet")


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
        "shortcuts": list(one.shortcuts),
        "outdated": [str(text) for text in one.outdated],
    }
