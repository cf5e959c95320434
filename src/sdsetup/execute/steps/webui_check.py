"""Asks the web UI's own installer, in its dry run, what it would still do: it must find nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.machine.children import Child
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.text import Text
from sdsetup.values.layout import python_in
from sdsetup.values.plan import CheckWebUI

_SILENCE = 300.0  # seconds
# Lines of modules/launch_utils.py (v1.10.1) that begin work.
_WORK = re.compile(r"^(Installing |Cloning |Fetching updates for |Checking out commit for |Couldn't )")


def check(action: CheckWebUI, context: Context) -> Mapping[str, Any]:
    """Run `launch.py --exit`; it must end well and find nothing to install and nothing to clone.

    Raises:
        SdsetupError: `webui-incomplete` naming what it wanted to do, `webui-check-failed` when it broke.
    """
    python = python_in(environment_in_use(context.machine, context.dir), context.machine.family)
    argv = [str(python), "launch.py", "--skip-torch-cuda-test", *_flags(action), "--exit"]
    # The network must not be needed: an address that swallows everything makes an attempt visible.
    env = {**context.machine.env, **dict(action.env), "GIT_TERMINAL_PROMPT": "0", "PYTHONUNBUFFERED": "1"}
    env.pop("COMMANDLINE_ARGS", None)
    said: list[str] = []
    with Child(argv, cwd=context.dir, env=env) as child:
        for line in child.lines(silence=_SILENCE):
            said.append(line)
            if _WORK.match(line):
                child.kill_tree()
                raise _incomplete(context, line)
        rc = child.rc
    if rc != 0:
        raise SdsetupError(
            Text("The web UI's own check failed"),
            where=context.dir,
            why=" / ".join(line.strip() for line in said[-3:]),
            hint=Text("Run the same command again. If it fails again, create a support report: sdsetup report"),
            code="webui-check-failed",
        )
    return {"lines": len(said)}


def _incomplete(context: Context, line: str) -> SdsetupError:
    error = SdsetupError(
        Text("The web UI's own installer is not finished"),
        where=context.dir,
        why=line.strip(),
        hint=Text("Run the same command again. It checks and completes the Python environment."),
        code="webui-incomplete",
    )
    error.redo = ("environment",)
    return error


def _flags(action: CheckWebUI) -> list[str]:
    """`--xformers` decides what is looked for; the others change nothing here."""
    return [flag for flag in action.flags if flag == "--xformers"]
