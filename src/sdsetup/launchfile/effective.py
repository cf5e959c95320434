"""What the web UI sees after all the files that its start script reads: the one reading of the launch settings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Literal

from sdsetup.errors import SdsetupError
from sdsetup.launchfile.bat.reading import read as read_bat
from sdsetup.launchfile.sh.reading import read as read_sh
from sdsetup.text import Text
from sdsetup.values.flags import ARGS, FILE_NAMES, Kind, LaunchFile

AFTER_THE_LAUNCH_FILE = "webui.settings.bat"
_BEFORE = "--before"  # stands for all that the launch file says


def kind_of(family: Literal["windows", "linux", "macos"]) -> Kind:
    """The kind of launch file that counts on this system."""
    return "bat" if family == "windows" else "sh"


def file_names(family: Literal["windows", "linux", "macos"]) -> tuple[str, ...]:
    """The files with settings in the order in which webui.bat or webui.sh reads them, each over the one before."""
    if family == "windows":
        return FILE_NAMES["bat"], AFTER_THE_LAUNCH_FILE
    return ("webui-macos-env.sh", FILE_NAMES["sh"]) if family == "macos" else (FILE_NAMES["sh"],)


def read(
    kind: Kind,
    content: bytes,
    *,
    encoding: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> LaunchFile:
    """What the web UI would see after this file.

    `encoding`: as `oem_encoding` of `merge`. `environment`: the variables it starts with, None when
    not known (a value that needs one of them is then unclear). `folder`: where a .bat lies, for `%~dp0`.

    Raises:
        SdsetupError: `launch-file-encoding`
    """
    return read_bat(content, encoding, environment, folder) if kind == "bat" else read_sh(content, environment)


def effective(
    kind: Kind,
    contents: Sequence[bytes],
    *,
    encoding: str | None,
    environment: Mapping[str, str],
    folder: str | None,
) -> LaunchFile:
    """What the web UI sees after these files, read one over the other.

    Raises:
        SdsetupError: `launch-file-encoding`
    """
    seen = LaunchFile(kind=kind, flags=(), env={})
    for content in contents:
        before = seen.apply(environment)
        seen = _over(seen, read(kind, content, encoding=encoding, environment=before, folder=folder))
    return seen


def arguments(seen: LaunchFile, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The web UI's whole argument list; COMMANDLINE_ARGS comes from the environment where no file sets it.

    Raises:
        SdsetupError: `launch-file-quotes`: it is set there and cannot be split.
    """
    if ARGS in seen.env or ARGS in seen.unset:
        return (*seen.start_flags, *seen.flags)
    text = seen.apply(environment).get(ARGS, "")
    try:
        return (*seen.start_flags, *shlex.split(text))
    except ValueError as error:
        raise SdsetupError(
            Text("A quotation mark in {name} is never closed", name=ARGS),
            where=text,
            hint=Text("Correct or unset the environment variable in this shell."),
            code="launch-file-quotes",
        ) from error


def refuse_overridden(after: bytes, ours: Sequence[str]) -> None:
    """Refuse to write what a file that is read after the launch file would take back.

    Raises:
        SdsetupError: `launch-file-overridden`.
    """
    seen = read("bat", after, environment={ARGS: _BEFORE})
    said = {name.upper() for name in (*seen.env, *seen.unset, *(one.name or ARGS for one in seen.unclear))}
    if _BEFORE in seen.flags:
        said.discard(ARGS)  # it only adds to what was there
    both = [name for name in (ARGS, *ours) if name.upper() in said]
    if both:
        raise SdsetupError(
            Text("{file} sets {names} after the launch file", file=AFTER_THE_LAUNCH_FILE, names=", ".join(both)),
            where=AFTER_THE_LAUNCH_FILE,
            why=Text("the web UI reads that file last, so the settings in the launch file would have no effect"),
            hint=Text("Move these lines from {file} into webui-user.bat.", file=AFTER_THE_LAUNCH_FILE),
            code="launch-file-overridden",
        )


def _over(below: LaunchFile, above: LaunchFile) -> LaunchFile:
    fold = str.upper if above.kind == "bat" else str
    said = {fold(name) for name in (*above.env, *above.unset, *(one.name or "" for one in above.unclear))}
    env = {name: value for name, value in below.env.items() if fold(name) not in said} | above.env
    return LaunchFile(
        kind=above.kind,
        flags=above.flags if ARGS in said else below.flags,
        env=env,
        variables={**below.variables, **above.variables},
        unset=tuple(sorted({*below.unset, *above.unset} - set(env))),
        unclear=(*(one for one in below.unclear if fold(one.name or "") not in said), *above.unclear),
        start_flags=(*below.start_flags, *above.start_flags),
        without_effect=(*below.without_effect, *above.without_effect),
        runs=(*below.runs, *above.runs),
        second_starts=(*below.second_starts, *above.second_starts),
    )
