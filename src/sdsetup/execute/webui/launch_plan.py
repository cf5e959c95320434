"""Reads the launch file and plans the same start."""

from __future__ import annotations

import re
from pathlib import Path

from sdsetup.command import Command
from sdsetup.decide.startup import LaunchPlan, launch_plan, tcmalloc_in
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.launchfile import ARGS, FILE_NAMES, LaunchFile, arguments
from sdsetup.machine import Machine
from sdsetup.machine.launch_files import read_launch_settings
from sdsetup.storage import read_json
from sdsetup.text import Text

# Times each part of the start; only tells more, and only where the checkout knows it.
_DETAILS = "--log-startup"


def plan_from_file(context: Context) -> tuple[LaunchPlan, LaunchFile]:
    """The start that `webui-user.bat` (elsewhere `webui-user.sh`) would make.

    Raises:
        SdsetupError: `webui-missing`, `webui-incomplete`, `environment-missing`, `launch-file-unreadable`,
            `launch-file-unclear`.
    """
    seen = read_launch_settings(context.machine, context.dir)
    refuse_unclear(seen, context)
    return planned(context, arguments(seen, context.machine.env), seen), seen


def refuse_unclear(seen: LaunchFile, context: Context) -> None:
    """Stop where the flags cannot be told; note what else is left out.

    Raises:
        SdsetupError: `launch-file-unclear`.
    """
    for one in seen.unclear:
        if one.name in (None, ARGS):
            raise SdsetupError(
                Text("The flags in the launch file can't be determined"),
                where=Text("{file}, line {line}", file=context.dir / FILE_NAMES[seen.kind], line=one.line),
                why=one.why,
                hint=Text(
                    "Change that line to a plain `set NAME=value` (in .sh files: `export NAME=value`), or "
                    "start the launch file itself."
                ),
                code="launch-file-unclear",
            )
        context.tell(Text("{name} is not used: {why} (line {line}).", name=one.name, why=one.why, line=one.line))


def planned(context: Context, flags: tuple[str, ...], seen: LaunchFile) -> LaunchPlan:
    """A start with these flags (an argument list) and all else as the launch file says it.

    Raises:
        SdsetupError: `webui-missing`, `webui-incomplete`, `environment-missing`.
    """
    root, machine = context.dir, context.machine
    if not (root / "launch.py").is_file() and (root / "webui.py").is_file():
        raise SdsetupError(
            Text("launch.py is missing from the web UI"),
            where=root,
            why=Text("an antivirus may have removed it"),
            hint=Text("Restore it: {command}", command=Command("sdsetup", "install", "--dir", root)),
            code="webui-incomplete",
        )
    environment = seen.apply(machine.env)
    if not (root / "launch.py").is_file():
        raise SdsetupError(
            Text("No web UI in this folder"),
            where=root,
            hint=Text(
                "Pass its folder with --dir, or install it: {command}",
                command=Command("sdsetup", "install", "--dir", root),
            ),
            code="webui-missing",
        )
    knows_details = _DETAILS in (machine.read_text(root / "modules" / "timer.py") or "")
    plan = launch_plan(
        dir=str(root),
        family=machine.family,
        # Nothing of the folder runs before the start itself.
        environment={**environment, **_preloaded(environment, machine.looking_at(root))},
        flags=flags,
        variables=seen.variables,
        details=(_DETAILS,) if knows_details and _DETAILS not in flags else (),
        file=str(root / FILE_NAMES[seen.kind]),
    )
    if "VIRTUAL_ENV" in plan.env and not Path(plan.python).exists():
        raise SdsetupError(
            Text("The web UI has no Python environment yet"),
            where=plan.python,
            hint=Text("Create it: {command}", command=Command("sdsetup", "install", "--dir", root)),
            code="environment-missing",
        )
    return plan


def settings_file(context: Context, flags: tuple[str, ...]) -> Path:
    """The web UI's own settings: `--ui-settings-file`, else config.json in `--data-dir` or the checkout."""
    values = dict(zip(flags, (*flags[1:], ""), strict=False))
    if given := values.get("--ui-settings-file"):
        return context.dir / given
    return context.dir / values.get("--data-dir", "") / "config.json"


def browser_option(context: Context, flags: tuple[str, ...]) -> object:
    settings = read_json(settings_file(context, flags))
    return settings.get("auto_launch_browser") if isinstance(settings, dict) else None


def _preloaded(environment: dict[str, str], machine: Machine) -> dict[str, str]:
    """The memory library that webui.sh would preload on Linux."""
    if machine.family != "linux" or environment.get("NO_TCMALLOC") or environment.get("LD_PRELOAD"):
        return {}
    if (found_libc := re.search(r"(\d+)\.(\d+)", machine.kernel().libc or "")) is None or (
        (int(found_libc[1]), int(found_libc[2])) < (2, 34)  # before, the library needs another one beside it
    ):
        return {}
    for program in ("/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"):
        listed = machine.run([program, "-p"], timeout=5)
        if listed.ok:
            found = tcmalloc_in(listed.out)
            return {"LD_PRELOAD": found} if found else {}
    return {}
