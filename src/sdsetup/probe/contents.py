"""What lies in the installation folder, told by its files: nothing of the folder is started, not even git.

`look` reads the little that a plan is made from; `ask` judges every part by names, sizes and versions, and hashes
contents only in a deep look, which reads all of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from packaging.utils import canonicalize_name

from sdsetup.decide.model_file import MODEL_ENDINGS, damaged, judge
from sdsetup.decide.startup import interpreter, venv_variable
from sdsetup.errors import SdsetupError
from sdsetup.launchfile import FILE_NAMES, Kind, grouped, read
from sdsetup.machine import Machine
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.machine.processes import running_web_ui
from sdsetup.machine.site_packages import damages, installed, site_packages
from sdsetup.probe.asked import Asked
from sdsetup.probe.environment import parse_pyvenv
from sdsetup.probe.folder import state_of
from sdsetup.probe.repository import Compared, compare, index_of, read_repository
from sdsetup.storage import read_json
from sdsetup.text import Text
from sdsetup.values.contents import CheckedOut, Contents, LaunchFileState, ModelFile, Parts, Unfinished
from sdsetup.values.layout import ENVIRONMENT_MARK, STAGE_FOLDER, STATE_FOLDER, WEBUI_NEEDS, state_folder
from sdsetup.values.request import LauncherKind

_TEXT_ENCODER = "openai"
_MODELS = Path("models", "Stable-diffusion")
_FOLDERS = ("", ".git", STATE_FOLDER, "venv", "repositories", "models")
_BLOCK = 2**20  # bytes
_ADDED = re.compile(r"""add_argument\(\s*(?P<names>(?:['"]-[^'"]+['"]\s*,?\s*)+)""")
_NAME = re.compile(r"""['"](--?[^'"]+)['"]""")
# Where the web UI and its extensions say which flags they know (modules/shared_cmd_options.py, v1.10.1).
_PARSERS = ("modules/cmd_args.py", "modules/paths_internal.py", "extensions*/*/preload.py")


def look(
    machine: Machine,
    folder: Path,
    *,
    repositories: Iterable[str],
    files: Sequence[str],
    launch_files: Iterable[LauncherKind],
    tools: Path,
) -> Contents:
    """Ask the folder; what is absent or cannot be read is left out."""
    found = {name: read_repository(machine, folder / name) for name in ("", *repositories)}
    heads = {name: one.commit for name, one in found.items() if one is not None and one.commit is not None}
    sizes = {name: size for name in files if (size := _size(folder / name)) is not None}
    begun = {name: size for name in files if (size := _size(folder / f"{name}.part")) is not None}
    contents = {
        kind: content for kind in launch_files if (content := _bytes(folder / FILE_NAMES[kind])) is not None
    }
    git = tools / "mingit" / "cmd" / "git.exe"
    return Contents(
        heads=heads,
        sizes=sizes,
        begun=begun,
        launch_files=contents,
        damaged=damaged_files(folder) if "" in heads else (),
        git=str(git) if git.is_file() else None,
    )


def damaged_files(folder: Path) -> tuple[str, ...]:
    """What the web UI cannot do without and what is missing, or a list of packages that is not UTF-8 text."""
    return tuple(name for name in WEBUI_NEEDS if not _as_needed(folder / name))


def _as_needed(path: Path) -> bool:
    content = _bytes(path) if path.suffix == ".txt" else None
    if content is None:  # a folder, a program, or a file that may not be read: the step that needs it says so
        return os.path.lexists(path)
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):
        return None


def ask(asked: Asked) -> dict[str, Any]:
    machine, folder = asked.machine, asked.folder
    if state_of(machine, folder)[0] != "webui":
        return {"parts": None}
    venv = environment_in_use(machine, folder)
    marker = read_json(venv / ENVIRONMENT_MARK)
    versions = marker.get("versions") if isinstance(marker, dict) else None
    packages = site_packages(venv)
    found = Parts(
        checkouts=tuple(_checkouts(machine, folder)),
        base_python=parse_pyvenv(machine.read_text(venv / "pyvenv.cfg", 65_536) or "").get("home"),
        locked=_pairs(versions),
        packages=None if packages is None else installed(packages),
        damaged_packages=() if packages is None else damages(packages, deep=None if asked.deep else ()),
        models=tuple(_models(folder, asked)),
        text_encoder=tuple(
            path.relative_to(folder).as_posix() for path in machine.glob(folder / _TEXT_ENCODER, "*/*")
        ),
        launch_file=_launch_file(machine, folder),
        settings=_settings(folder),
        foreign=tuple(name for name in _FOLDERS if _is_closed(machine, folder / name)),
        unfinished=_unfinished(folder),
        begun_update=_since(state_folder(folder) / STAGE_FOLDER),
        running=running_web_ui(folder),
        distrusted=_distrusted(folder),
        deep=asked.deep,
    )
    return {"parts": found}


def _is_closed(machine: Machine, folder: Path) -> bool:
    """Whether a folder belongs to another account and cannot be written, as after one run with sudo. A drive that
    records no owners shows a foreign one for everything, and takes files all the same."""
    return (
        machine.kind(folder) == "folder"
        and machine.foreign_owner(folder) is True
        and machine.write_problem(folder) is not None
    )


def _checkouts(machine: Machine, folder: Path) -> Iterator[CheckedOut]:
    below = sorted(path.name for path in machine.glob(folder / "repositories", "*"))
    for name in ("", *(f"repositories/{name}" for name in below)):
        place = folder / name
        repository = read_repository(machine, place)
        if repository is None:
            yield CheckedOut(path=name)
            continue
        index = index_of(machine, place)
        seen = compare(place, index) if index is not None else Compared()
        yield CheckedOut(path=name, commit=repository.commit, missing=seen.missing, changed=seen.changed)


def _pairs(versions: Any) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(versions, dict):
        return None
    return tuple(sorted((canonicalize_name(str(name)), str(version)) for name, version in versions.items()))


def _models(folder: Path, asked: Asked) -> Iterator[ModelFile]:
    for path in asked.machine.glob(folder / _MODELS, "**/*"):
        if path.suffix.lower() not in MODEL_ENDINGS:
            continue
        try:
            size = path.stat().st_size
            if not path.is_file():
                continue
            with path.open("rb") as file:
                look = judge(file, size, path.name)
                file.seek(0)
                known = asked.deep and size in asked.known_sizes
                sha256 = _sha256(file) if known else None
        except OSError as error:
            size, sha256 = 0, None
            look = damaged(0, "unreadable", Text("{why}", why=error.strerror or str(error)))
        bad = look.kind == "damaged"
        yield ModelFile(
            name=path.relative_to(folder / _MODELS).as_posix(),
            size=size,
            damage=look.damage if bad else None,
            said=str(look.said) if bad else None,
            sha256=sha256,
        )


def _sha256(file: Any) -> str:
    told = hashlib.sha256()
    while block := file.read(_BLOCK):
        told.update(block)
    return told.hexdigest()


def _launch_file(machine: Machine, folder: Path) -> LaunchFileState:
    kind: Kind = "bat" if machine.family == "windows" else "sh"
    try:
        content = (folder / FILE_NAMES[kind]).read_bytes()
    except OSError:
        return LaunchFileState(present=False)
    page = machine.windows().oem_code_page if kind == "bat" else None
    try:
        seen = read(
            kind,
            content,
            encoding=f"cp{page}" if page else None,
            environment=machine.env,
            folder=str(folder),
        )
    except SdsetupError as error:
        return LaunchFileState(present=True, problem=str(error.message))
    flags = grouped(seen.flags)
    known = set(_known_flags(machine, folder))
    used = environment_in_use(machine, folder)
    return LaunchFileState(
        present=True,
        flags=tuple(flag.name for flag in flags),
        unknown=tuple(flag.name for flag in flags if known and not _meant(flag.name, known)),
        no_environment=_no_environment(machine, folder, {**seen.env, **seen.variables}),
        environment=None if used == folder / "venv" else (venv_variable(machine.family), str(used)),
    )


def _no_environment(machine: Machine, folder: Path, said: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable in a launch file that leads to an environment which isn't there, and its folder."""
    name = venv_variable(machine.family)
    if not said.get(name):
        return None
    python, venv = interpreter(str(folder), machine.family, said)
    if venv is None or Path(venv) == folder / "venv" or machine.exists(Path(python)):
        return None
    return name, str(venv)


def _known_flags(machine: Machine, folder: Path) -> Iterator[str]:
    """Every flag that this web UI and its extensions declare; none where its own list cannot be read."""
    if not machine.read_text(folder / _PARSERS[0], 10):
        return
    for pattern in _PARSERS:
        for path in machine.glob(folder, pattern):
            for declared in _ADDED.finditer(machine.read_text(path) or ""):
                yield from _NAME.findall(declared["names"])


def _meant(flag: str, known: set[str]) -> bool:
    """Whether argparse takes it: a whole name, or the beginning of a long one; help is always there."""
    if not flag.startswith("-") or flag in known or flag in ("-h", "--help"):
        return True
    return flag.startswith("--") and sum(name.startswith(flag) for name in known) == 1


def _settings(folder: Path) -> Literal["absent", "good", "empty", "damaged"]:
    """The web UI's own settings: one that it cannot read it moves into a folder `tmp` that is not there."""
    path = folder / "config.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return "absent"
    except OSError:
        return "good"  # who may not read it cannot judge it
    if not content.strip(b"\0 \t\r\n"):
        return "empty"
    try:
        return "good" if isinstance(json.loads(content), dict) else "damaged"
    except (ValueError, RecursionError):
        return "damaged"


def _unfinished(folder: Path) -> Unfinished | None:
    said = read_json(state_folder(folder) / "unfinished.json")
    if not isinstance(said, dict):
        return _half_moved(folder)
    words, began = said.get("words"), said.get("began")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    return Unfinished(began=str(began), words=tuple(words))


def _half_moved(folder: Path) -> Unfinished | None:
    """An update or undo that was cut off while it was put into place; `install` completes it."""
    began = _since(state_folder(folder) / "undo.going" / "plan.json")
    return None if began is None else Unfinished(began=began, words=("install", "--dir", str(folder)))


def _since(path: Path) -> str | None:
    try:
        began = path.lstat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(began, timezone.utc).isoformat(timespec="seconds")


def _distrusted(folder: Path) -> str | None:
    said = read_json(state_folder(folder) / "distrust.json")
    why = said.get("why") if isinstance(said, dict) else None
    return str(why)[:300] if why else None
