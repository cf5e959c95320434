"""The end of an installation: what is there now, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from sdsetup.command import Command
from sdsetup.show.image import show_image
from sdsetup.show.screen import Screen
from sdsetup.text import Text
from sdsetup.values.plan import Plan, WriteLauncher
from sdsetup.values.tuning import Tuning


def show_done(
    plan: Plan,
    tuning: Tuning,
    results: Mapping[str, Mapping[str, Any]],
    screen: Screen,
    *,
    following: bool = True,
) -> None:
    """Where it is, the test image, and with `following` the next command."""
    screen.line()
    if screen.banner is not None:
        screen.line(screen.banner, "warn")
    if not plan.todo:
        screen.line(Text("{mark} Everything is in place. Nothing was changed.", mark=screen.mark("ok")), "ok")
    elif all(isinstance(step.action, WriteLauncher) for step in plan.steps):
        screen.line(
            Text("{mark} The settings are in the launch file in {dir}", mark=screen.mark("ok"), dir=plan.dir), "ok"
        )
    else:
        screen.line(Text("{mark} The web UI is installed in {dir}", mark=screen.mark("ok"), dir=plan.dir), "ok")
    picture = results.get("picture", {}).get("picture")
    if picture:
        screen.line(Text("Test image:"), indent=2)
        screen.command(str(picture), indent=4)
        show_image(Path(picture), screen)
    for warning in tuning.warnings:
        screen.line(Text("{mark} {text}", mark=screen.mark("warn"), text=warning.text), "warn", indent=2)
    if not following:
        return
    screen.line()
    if screen.banner is not None:
        screen.line(Text("To install for real:"))
        screen.command("sdsetup install", indent=2, carried=False)
        return
    screen.line(Text("To start the web UI:"))
    screen.command(Command("sdsetup", "launch", "--dir", plan.dir), indent=2)
    launchers = [
        step for step in plan.steps if isinstance(step.action, WriteLauncher) and step.action.kind == "bat"
    ]
    if launchers:
        path = PurePath(plan.dir) / "webui-user.bat"
        screen.line(Text("Or double-click {path}", path=path), indent=2)
