"""A Python for the web UI where the user has none that fits: one of uv's builds, in our own tools folder.

uv carries the address and SHA-256 of every build it may fetch (docs.astral.sh/uv/concepts/python-versions), and
checks what a mirror sends against the same SHA-256.
Nothing is registered, no PATH is changed, no administrator is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.environment.uv_messages import HERE
from sdsetup.text import Text
from sdsetup.values.plan import BringPython

_MIRROR = "UV_PYTHON_INSTALL_MIRROR"
_ASKED = "import sys; print(*sys.version_info[:3], 64 if sys.maxsize > 2**32 else 32)"


def bring(action: BringPython, context: Context) -> dict[str, Any]:
    """Put a CPython of this minor version into `context.tools / "python"`; one that is there is used.

    A download that was cut off leaves nothing that counts: uv unpacks beside the place and renames.

    Returns:
        `{"python": path, "version": "3.10.18"}`; the path has the patch release in it.

    Raises:
        SdsetupError: `python-broken` when what was brought does not run; else why uv could not bring it.
    """
    env = _variables(context)
    found = _present(action.version, context)
    if found is None:
        context.note(Text("Downloading Python {version}", version=action.version))
        _install(action.version, env, context)
        found = _present(action.version, context)
    if found is None:
        raise SdsetupError(
            Text("The downloaded Python does not start"),
            where=_folder(context),
            why=Text("an antivirus may have blocked it, or the system is too old for it"),
            hint=Text(
                "Install Python {version} (64-bit) from python.org, then run the same command again.",
                version=action.version,
            ),
            code="python-broken",
        )
    return found


def _install(version: str, env: Mapping[str, str], context: Context) -> None:
    """One quick try of each place that has the builds, then uv's own ones again with patience.

    Raises:
        SdsetupError: why uv could not bring it.
    """
    asked = ["python", "install", "--no-bin", "--no-registry", _request(version)]
    bring = partial(uv.run, context, asked, what=Text("Python could not be downloaded"))
    mirrors = () if context.machine.env.get(_MIRROR) else context.catalog.webui.python.mirrors
    for mirror in (None, *mirrors) if mirrors else ():
        more = {} if mirror is None else {_MIRROR: mirror}
        try:
            bring(env={**env, **uv.hurried(context), **more}, pauses=())
            return
        except SdsetupError as error:
            if error.code in HERE:
                raise
            context.note(Text("{why}. Trying the next address.", why=error.why or error.message))
    bring(env=env)


def _folder(context: Context) -> Path:
    return context.tools / "python"


def _variables(context: Context) -> dict[str, str]:
    more = {"UV_PYTHON_INSTALL_DIR": str(_folder(context)), "UV_PYTHON_DOWNLOADS": "manual"}
    if not context.machine.env.get("UV_CACHE_DIR"):
        more["UV_CACHE_DIR"] = str(context.cache / "uv")
    return uv.variables(context, **more)


def _request(version: str) -> str:
    """Ordinary CPython of this machine's own kind: never a free-threaded, 32-bit or foreign one."""
    return f"cpython-{version}"


def _present(version: str, context: Context) -> dict[str, Any] | None:
    """The newest patch release of this version that lies there and runs.

    uv unpacks beside the place and renames, so what has its name is whole. The folder's own name is
    used, not uv's link that moves to the next patch release: an environment must not move with it.
    """
    program = "python.exe" if context.machine.family == "windows" else f"bin/python{version}"
    found = []
    for folder in _folder(context).glob(f"cpython-{version}.*"):
        path = folder / program
        if folder.is_symlink() or "+" in folder.name or not path.exists():
            continue
        ended = context.machine.run([str(path), "-I", "-S", "-c", _ASKED], timeout=60)
        words = ended.out.split()
        if ended.ok and words[:2] == version.split(".") and words[-1] == "64":
            found.append((tuple(map(int, words[:3])), path))
    if not found:
        return None
    numbers, path = max(found)
    return {"python": str(path), "version": ".".join(map(str, numbers))}
