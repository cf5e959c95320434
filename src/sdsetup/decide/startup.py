"""What a line of the web UI's output says about its start, and how it is to be started.

The one line to wait for is `Startup time:`. The address is printed before that, and one request in between
can end the web UI ("Cannot add middleware after an application has started"), so nothing here
is ever asked over HTTP. A start that succeeds does not mean that a model is loaded: that goes on beside it.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Literal
from urllib.parse import urlsplit

from sdsetup.values.facts import Family

# In the order in which they come: its own checks, torch, everything else, the page is there.
Phase = Literal["preparing", "torch", "interface", "ready"]
ModelState = Literal["waiting", "loading", "loaded", "failed"]
ModelClass = Literal["sd15", "sdxl"]

_PREPARES = re.compile(r"^((?:Installing|Cloning|Fetching|Checking out|Pruning) .{1,80}?)(?: into .*)?\.*$")
_LAUNCHES = re.compile(r"^Launching (?:Web UI|API server) with arguments:")
_TIMED = re.compile(r"^\s*(?:Calculating sha256 for .*: )?([a-z][\w ./-]*): done in [\d.]+s$")
_AFTER_TORCH = re.compile(r"^[Nn]o module 'xformers'|^(?:setup paths|import gradio|import ldm): done in")
_ADDRESS = re.compile(r"(?:Running on local URL:|Uvicorn running on)\s+(https?://\S+)")
_SHARED = re.compile(r"Running on public URL:\s+(https://\S+)")
_READY = re.compile(r"Startup time: ([\d.]+)s")
_RELOADS = re.compile(r"^Restarting UI\.\.\.")
_HASHES = re.compile(r"Calculating sha256 for (.+?\.(?:safetensors|ckpt|pt)):")
_WEIGHTS = re.compile(r"Loading weights \[\w*\] from (?:cache|(.+))$")
_CONFIG = re.compile(r"Creating model from config: (.+)$")
_LOADED = re.compile(r"Model loaded in ([\d.]+)s")
_FAILED = "Stable diffusion model failed to load"


@dataclass(frozen=True, kw_only=True)
class Startup:
    """How far a start has come. `doing` is the web UI's own word for what it is at."""

    phase: Phase = "preparing"
    doing: str | None = None
    url: str | None = None
    public_url: str | None = None
    seconds: float | None = None  # what the web UI says its start took
    model: ModelState = "waiting"
    model_file: str | None = None
    model_class: ModelClass | None = None
    model_seconds: float | None = None
    starts: int = 0  # how often it became ready: the user can reload the page's program

    @property
    def ready(self) -> bool:
        return self.phase == "ready"

    @property
    def settled(self) -> bool:
        """The page is there, and the model is loaded or never will be."""
        return self.ready and self.model in ("loaded", "failed")


def after(state: Startup, line: str) -> Startup:
    """The state after one more line. Several things may stand in one line, anywhere in it."""
    return _model(_page(state, line), line)


def _page(state: Startup, line: str) -> Startup:
    if found := _SHARED.search(line):
        state = replace(state, public_url=found[1])
    if found := _ADDRESS.search(line):
        state = replace(state, url=found[1].rstrip("."))
    if found := _READY.search(line):
        return replace(state, phase="ready", doing=None, seconds=_seconds(found[1]), starts=state.starts + 1)
    if _RELOADS.search(line):
        return replace(state, phase="interface", doing=None)
    if state.ready:
        return state
    if state.phase == "preparing":
        if _LAUNCHES.search(line):
            return replace(state, phase="torch", doing=None)
        if found := _PREPARES.search(line):
            return replace(state, doing=found[1])
        return state
    done = _TIMED.search(line)
    # torch is timed twice: itself, and what is built on it.
    twice = done is not None and done[1] == "import torch" == state.doing
    if state.phase == "torch" and (twice or _AFTER_TORCH.search(line) or state.url):
        return replace(state, phase="interface", doing=None)
    return replace(state, doing=done[1]) if done else state


def _model(state: Startup, line: str) -> Startup:
    if found := _HASHES.search(line):
        state = replace(state, model="loading", model_file=found[1], model_seconds=None)
    if found := _WEIGHTS.search(line):
        state = replace(state, model="loading", model_file=found[1] or state.model_file, model_seconds=None)
    if found := _CONFIG.search(line):
        state = replace(state, model="loading", model_class="sdxl" if _is_sdxl(found[1]) else "sd15")
    if found := _LOADED.search(line):
        state = replace(state, model="loaded", model_seconds=_seconds(found[1]))
    if _FAILED in line:
        state = replace(state, model="failed")
    return state


def _seconds(text: str) -> float | None:
    """A number of seconds as the web UI or an extension wrote it; "1.2.3" has been seen."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_sdxl(config: str) -> bool:
    return "xl" in re.split(r"[\\/]", config)[-1].lower()


# --- how it is started ---------------------------------------------------------------------------------

_OPENS_TO_OTHERS = ("--share", "--listen", "--ngrok", "--server-name")
_SECRET = ("--gradio-auth", "--api-auth", "--ngrok", "--ngrok-options")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_LOCAL = ("localhost", "127.0.0.1", "::1")
# Variables of the Python that runs us: in another Python they do harm.
_OURS_ALONE = ("PYTHONHOME", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """What is started: `python -u launch.py` in `dir`. `env` is the whole environment of the new process."""

    dir: str
    python: str
    flags: tuple[str, ...]  # the argument list, as the web UI splits COMMANDLINE_ARGS
    env: Mapping[str, str]
    file: str | None = None  # the launch file it was read from
    secrets: tuple[str, ...] = field(default=(), repr=False)  # never to stand in a log

    @property
    def argv(self) -> tuple[str, ...]:
        # Unbuffered: the web UI ends itself with os._exit, and what is in a buffer then is lost.
        return (self.python, "-u", "launch.py")


def launch_plan(
    *,
    dir: str,
    family: Family,
    environment: Mapping[str, str],
    flags: Sequence[str],
    variables: Mapping[str, str] | None = None,
    details: Sequence[str] = (),
    file: str | None = None,
) -> LaunchPlan:
    """The start that webui.bat or webui.sh would make.

    `environment` is the process's environment after the launch file; `variables` are those that only
    the script itself reads (`venv_dir`); `flags` an argument list; `details` flags of ours that only make
    the output say more.
    """
    env = {name: value for name, value in environment.items() if name not in _OURS_ALONE}
    python, venv = interpreter(dir, family, {**env, **(variables or {})})
    if venv is not None:
        # What `activate` does: extensions call `pip` and `python` by name.
        env["VIRTUAL_ENV"] = str(venv)
        path = _name_of(env, "PATH", family)
        separator = ";" if family == "windows" else ":"
        env[path] = separator.join([str(python.parent), *filter(None, [env.get(path)])])
    if family == "windows" and "GIT" in env:
        env["GIT_PYTHON_GIT_EXECUTABLE"] = env["GIT"]
    env.update(_told_by_the_scripts(env))
    env.update(reach_localhost(env, family))
    env["COMMANDLINE_ARGS"] = shlex.join((*flags, *details))
    return LaunchPlan(
        dir=dir, python=str(python), flags=tuple(flags), env=env, file=file, secrets=secrets_in(flags)
    )


def _told_by_the_scripts(env: Mapping[str, str]) -> dict[str, str]:
    return {
        "SD_WEBUI_RESTART": "tmp/restart",  # somebody watches: the web UI may ask to be started again
        "SD_WEBUI_RESTARTING": "1",  # it must not open a browser: we do
        "ERROR_REPORTING": "FALSE",
        # In a pipe Python writes in the code page of the country, which a model's name may not fit into.
        "PYTHONIOENCODING": "utf-8",
        "GIT_TERMINAL_PROMPT": env.get("GIT_TERMINAL_PROMPT", "0"),
    }


def venv_variable(family: Family) -> str:
    """The variable by which a launch file names another environment than `venv`."""
    return "VENV_DIR" if family == "windows" else "venv_dir"


def interpreter(dir: str, family: Family, env: Mapping[str, str]) -> tuple[PurePath, PurePath | None]:
    """The interpreter, and the environment it belongs to (None where the user switched that off)."""
    path = PureWindowsPath if family == "windows" else PurePosixPath
    wanted = env.get(venv_variable(family), "").strip('"') or "venv"
    if wanted == "-" or (family == "windows" and env.get("SKIP_VENV") == "1"):
        return path(env.get("PYTHON" if family == "windows" else "python_cmd", "").strip('"') or "python"), None
    venv = path(dir) / wanted
    return (venv / "Scripts" / "python.exe" if family == "windows" else venv / "bin" / "python"), venv


def reach_localhost(env: Mapping[str, str], family: Family) -> dict[str, str]:
    """`no_proxy` with this computer in it, in both spellings, where a proxy is set. A proxy that is asked for
    127.0.0.1 makes the web UI stop ("When localhost is not accessible")."""
    names = {name.lower() for name, value in env.items() if value}
    if not names & set(_PROXIES):
        return {}
    said = next((value for name, value in sorted(env.items()) if name.lower() == "no_proxy" and value), "")
    hosts = [host.strip() for host in said.split(",") if host.strip()]
    if "*" in hosts:
        return {}
    whole = ",".join([*hosts, *(host for host in _LOCAL if host not in hosts)])
    return {"NO_PROXY": whole} if family == "windows" else {"no_proxy": whole, "NO_PROXY": whole}


def _name_of(env: Mapping[str, str], name: str, family: Family) -> str:
    """The variable's name as it is spelt in there: Windows knows no letter case."""
    if family != "windows":
        return name
    return next((spelt for spelt in env if spelt.upper() == name), name)


def opens_browser(flags: Sequence[str], option: object) -> bool:
    """Whether the web UI itself would open a browser; `option` is auto_launch_browser in its config.json."""
    names = {flag.split("=", 1)[0] for flag in flags}
    if "--nowebui" in names:
        return False
    if "--autolaunch" in names or option == "Remote":
        return True
    return option != "Disable" and not names & set(_OPENS_TO_OTHERS)


def address(url: str) -> str:
    """The address to open here: "every interface" is no address."""
    try:
        host = urlsplit(url).hostname
    except ValueError:  # a bracket that never closes
        return url
    return url.replace("//0.0.0.0", "//127.0.0.1", 1) if host == "0.0.0.0" else url  # noqa: S104 - it is replaced


def secrets_in(flags: Sequence[str]) -> tuple[str, ...]:
    """Passwords and tokens among the flags, to keep them out of logs. The longest first."""
    found = set()
    for at, flag in enumerate(flags):
        name, equals, value = flag.partition("=")
        if name in _SECRET:
            found.add(value if equals else flags[at + 1] if at + 1 < len(flags) else "")
    return tuple(sorted((secret for secret in found if len(secret) > 2), key=len, reverse=True))


def tcmalloc_in(listing: str) -> str | None:
    """The memory library that webui.sh would preload, from what `ldconfig -p` prints."""
    for name in (r"libtcmalloc(?:_minimal)?\.so\.\d", r"libtcmalloc\.so\.\d"):
        if found := re.search(rf"^\s*{name}[^\n]*=>\s*(\S+)$", listing, re.MULTILINE):
            return found[1]
    return None
