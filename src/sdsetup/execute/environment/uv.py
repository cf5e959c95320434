"""uv: where it is, with which settings it runs here, and what it says while it works."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sdsetup.command import Command
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment.pip_settings import uv_variables
from sdsetup.execute.environment.uv_messages import AGAIN, PACKAGES, why_uv_failed
from sdsetup.machine import Machine
from sdsetup.machine.children import Child
from sdsetup.machine.web_policy import variables_for_children
from sdsetup.text import Text

PAUSES = (3.0, 10.0, 30.0)  # seconds before the second, third and fourth try after a broken connection
_SILENCE = 900.0  # seconds: one large wheel on a slow line is downloaded without a word

# What would change the meaning of our own calls, set for other work of the user.
_FOREIGN = (
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_EXCLUDE",
    "UV_EXCLUDE_NEWER",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
    "UV_TORCH_BACKEND",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_REQUIRE_HASHES",
    "UV_NO_BUILD",
    "UV_NO_BINARY",
    "UV_PROJECT",
    "UV_WORKING_DIRECTORY",
    "UV_COMPILE_BYTECODE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONPATH",
    "PYTHONHOME",
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """How one uv command ended, with everything it printed."""

    rc: int
    text: str


def find(machine: Machine) -> str:
    """The uv program: the one that was installed with us, else one on PATH.

    Raises:
        SdsetupError: `uv-missing`.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = machine.which("uv")
    if found is None:
        raise SdsetupError(
            Text("uv, which installs the Python packages, was not found"),
            code="uv-missing",
            hint=Text(
                "Reinstall sdsetup, or install uv: {command}",
                command=Command(sys.executable, "-m", "pip", "install", "uv"),
            ),
        )
    return found


def variables(context: Context, **more: str) -> dict[str, str]:
    """The environment of a uv child: the user's, pip's settings in uv's words, and ours."""
    env = {name: value for name, value in context.machine.env.items() if name not in _FOREIGN}
    env.update(variables_for_children(context.machine))
    env.update(uv_variables(context.machine))
    env.setdefault("UV_HTTP_RETRIES", "5")
    env.setdefault("UV_SYSTEM_CERTS", "true")
    env.update({"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never", "PYTHONUTF8": "1"})
    for name in ("NO_PROXY", "no_proxy"):
        # A proxy for the world must not catch what we serve to uv from this very machine.
        env[name] = ",".join(part for part in (env.get(name, ""), "127.0.0.1", "localhost") if part)
    env.update(more)
    return env


def hurried(context: Context) -> dict[str, str]:
    """Variables for a try with others behind it: a dead address costs seconds. The user's own settings stay."""
    quick = {"UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": "6", "UV_HTTP_TIMEOUT": "6"}
    return {name: value for name, value in quick.items() if name not in context.machine.env}


def run(
    context: Context,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    pauses: Sequence[float] | None = None,
    what: Text = PACKAGES,
) -> str:
    """Run uv to its end; what it printed. Broken connections are tried again after growing pauses.

    `what` says in general what failed, should it fail.

    Raises:
        SdsetupError: with the cause found in what uv said.
    """
    for pause in (*(PAUSES if pauses is None else pauses), None):
        said = once(context, args, env=env, on_line=on_line)
        if said.rc == 0:
            return said.text
        error = why_uv_failed(said.text, what, said.rc)
        if pause is None or error.code not in AGAIN:
            raise error
        context.note(Text("{what}. Trying again in {pause:.0f} s.", what=error.why or error.message, pause=pause))
        time.sleep(pause)
    raise AssertionError("the last round returns or raises")


def once(
    context: Context,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
) -> Said:
    """Run uv once; its lines go to `on_line` as they come."""
    lines: list[str] = []
    cwd = context.state if context.state.is_dir() else None
    with Child([find(context.machine), *args], cwd=cwd, env=env) as child:
        try:
            for line in child.lines(silence=_SILENCE):
                lines.append(line)
                if on_line is not None:
                    on_line(line)
        except TimeoutError:
            return Said(rc=1, text="\n".join([*lines, "error: operation timed out"]))
        return Said(rc=child.rc if child.rc is not None else 1, text="\n".join(lines))
