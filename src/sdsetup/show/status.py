"""The screen and the document of `status`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdsetup.command import Command
from sdsetup.show.screen import Screen
from sdsetup.show.words import size
from sdsetup.text import Text
from sdsetup.values.status import InstallationStatus, Outside

SCHEMA = "sdsetup.status/1"
_WHAT = {
    "cache": "packages and downloads that can be had again",
    "tools": "Python and Git that were brought",
    "log": "logs of earlier runs",
    "packages": "packages, shared with your other uses of uv",
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
    screen.heading(Text("{dir}{practice}", dir=one.dir, practice=" (a practice run)" if one.practice else ""))
    at = " ".join(word for word in (one.tag, f"({one.commit[:8]})" if one.commit else None) if word)
    lines = {
        "Web UI": f"{at or 'no commit'}{f' on {one.branch}' if one.branch else ''}",
        "Environment": f"torch {one.torch or '?'}, Python {one.python}" if one.python else "none that is whole",
        "Made for": one.card or ("the processor" if one.made_here else "not known: not made by sdsetup"),
        "Models": ", ".join(one.models[:3]) + (f" and {len(one.models) - 3} more" if len(one.models) > 3 else "")
        if one.models
        else "none",
        "Flags": " ".join(one.flags) or "none",
        "Last start": _moment(one.last_start),
        "Last picture": _moment(one.last_picture),
    }
    if one.running is not None:
        lines["Running"] = f"now, on port {', '.join(map(str, one.running))}" if one.running else "now"
    for name, said in lines.items():
        screen.line(Text("{name} {said}", name=f"{name:<13}", said=said), indent=2)
    if one.sizes is not None:
        sizes = one.sizes
        screen.line(
            Text(
                "{name} {total}: environment {environment}, models {models}, pictures {pictures}, kept {kept}",
                name=f"{'Size':<13}",
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


def _moment(at: str | None) -> str:
    return at[:16].replace("T", " ") + " UTC" if at else "not by sdsetup so far"


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
