"""The Python of a kit: the archive that uv would download, for any system, checked by uv's own SHA-256.

An installation tells uv where the archives lie (UV_PYTHON_INSTALL_MIRROR); uv checks them there once more.
"""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.folders import remove_tree
from sdsetup.execute.kit.store import KitStore
from sdsetup.text import Text
from sdsetup.values.kit import Piece

_KEYS = {
    "windows": "cpython-{version}-windows-x86_64-none",
    "linux": "cpython-{version}-linux-x86_64-gnu",
    "wsl": "cpython-{version}-linux-x86_64-gnu",
    "macos": "cpython-{version}-macos-aarch64-none",
}


def archive_id(system: str, version: str, context: Context) -> str:
    """What this uv calls the newest archive of a minor version for a system: `20261009/cpython-3.10.22...tar.gz`.

    Raises:
        SdsetupError: `kit-no-python`.
    """
    wanted = _KEYS[system].format(version=version)
    asked = ["python", "list", "--all-platforms", "--only-downloads", "--output-format", "json", wanted]
    try:
        found = json.loads(uv.run(context, asked, env=uv.variables(context)))
        return "/".join(unquote(urlsplit(found[0]["url"]).path).split("/")[-2:])
    except (ValueError, LookupError, TypeError) as error:
        raise _none(system, version) from error


def bring(system: str, version: str, store: KitStore, context: Context) -> Piece:
    """The archive in the kit.

    Raises:
        SdsetupError: why uv could not download it.
    """
    id = archive_id(system, version, context)
    work = store.work / "python"
    remove_tree(work)
    env = uv.variables(
        context,
        UV_PYTHON_INSTALL_DIR=str(work / "installed"),
        UV_PYTHON_CACHE_DIR=str(work / "archives"),
        UV_PYTHON_DOWNLOADS="manual",
    )
    asked = ["python", "install", "--no-bin", "--no-registry", _KEYS[system].format(version=version)]
    work.mkdir(parents=True)
    uv.run(replace(context, dir=work), asked, env=env, what=Text("Python could not be downloaded"))
    # uv changes the name that it keeps the archive under; nothing else lies in this new folder.
    archives = [path for path in (work / "archives").rglob("*") if path.is_file()]
    if not archives:
        raise _none(system, version)
    archive = max(archives, key=lambda path: path.stat().st_size)
    return Piece(kind="python", id=id, file=store.take(archive, id.rpartition("/")[2]))


def _none(system: str, version: str) -> SdsetupError:
    return SdsetupError(
        Text("No Python {version} download for {system}", version=version, system=system),
        hint=Text("Add --no-python, and install that Python on each PC yourself."),
        code="kit-no-python",
    )
